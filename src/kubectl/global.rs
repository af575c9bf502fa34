//! Flags that every verb takes, and groups of flags that several verbs share. Data only.

use crate::flags::Flag;

pub const FLAGS: &[Flag] = &[
    Flag::text(
        "as",
        "",
        "Username to impersonate for the operation. User could be a regular user or a service account in a namespace.",
    ),
    Flag::list("as-group", "Group to impersonate for the operation, this flag can be repeated to specify multiple groups."),
    Flag::text("as-uid", "", "UID to impersonate for the operation.").ignored(),
    Flag::list(
        "as-user-extra",
        "User extras to impersonate for the operation, this flag can be repeated to specify multiple values for the same key.",
    )
    .ignored(),
    Flag::text("cache-dir", "/root/.kube/cache", "Default cache directory").ignored(),
    Flag::text("certificate-authority", "", "Path to a cert file for the certificate authority").ignored(),
    Flag::text("client-certificate", "", "Path to a client certificate file for TLS").ignored(),
    Flag::text("client-key", "", "Path to a client key file for TLS").ignored(),
    Flag::text("cluster", "", "The name of the kubeconfig cluster to use").ignored(),
    Flag::text("context", "", "The name of the kubeconfig context to use"),
    Flag::bool("disable-compression", false, "If true, opt-out of response compression for all requests to the server")
        .ignored(),
    Flag::bool(
        "insecure-skip-tls-verify",
        false,
        "If true, the server's certificate will not be checked for validity. This will make your HTTPS connections insecure",
    )
    .ignored(),
    Flag::text("kubeconfig", "", "Path to the kubeconfig file to use for CLI requests."),
    Flag::text(
        "kuberc",
        "",
        "Path to the kuberc file to use for preferences. This can be disabled by exporting KUBECTL_KUBERC=false feature gate or turning off the feature KUBERC=off.",
    )
    .ignored(),
    Flag::duration("log-flush-frequency", "5s", "Maximum number of seconds between log flushes").ignored(),
    Flag::bool("match-server-version", false, "Require server version to match client version").ignored(),
    Flag::text("namespace", "", "If present, the namespace scope for this CLI request").short('n'),
    Flag::text("password", "", "Password for basic authentication to the API server").ignored(),
    Flag::text("profile", "none", "Name of profile to capture. One of (none|cpu|heap|goroutine|threadcreate|block|mutex|trace)")
        .ignored(),
    Flag::text("profile-output", "profile.pprof", "Name of the file to write the profile to").ignored(),
    Flag::text(
        "request-timeout",
        "0",
        "The length of time to wait before giving up on a single server request. Non-zero values should contain a corresponding time unit (e.g. 1s, 2m, 3h). A value of zero means don't timeout requests.",
    ),
    Flag::text("server", "", "The address and port of the Kubernetes API server").short('s').ignored(),
    Flag::text(
        "tls-server-name",
        "",
        "Server name to use for server certificate validation. If it is not provided, the hostname used to contact the server is used",
    )
    .ignored(),
    Flag::text("token", "", "Bearer token for authentication to the API server").ignored(),
    Flag::text("user", "", "The name of the kubeconfig user to use").ignored(),
    Flag::text("username", "", "Username for basic authentication to the API server").ignored(),
    Flag::int("v", "0", "number for the log level verbosity").short('v').ignored(),
    Flag::text("vmodule", "", "comma-separated list of pattern=N settings for file-filtered logging (only works for the default text log format)")
        .ignored(),
    Flag::bool(
        "warnings-as-errors",
        false,
        "Treat warnings received from the server as errors and exit with a non-zero exit code",
    ),
];

const OUTPUT_HELP: &str = "Output format. One of: (json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file).";

/// Formats that verbs other than `get` know.
pub const FORMATS: &[&str] = &[
    "go-template",
    "go-template-file",
    "json",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "kyaml",
    "name",
    "template",
    "templatefile",
    "yaml",
];

/// How to print the object that results.
pub const PRINT: &[Flag] = &[
    Flag::bool(
        "allow-missing-template-keys",
        true,
        "If true, ignore any errors in templates when a field or map key is missing in the template. Only applies to golang and jsonpath output formats.",
    ),
    Flag::text("output", "", OUTPUT_HELP).short('o').values(&["json", "yaml", "name", "jsonpath=", "go-template="]),
    Flag::bool(
        "show-managed-fields",
        false,
        "If true, keep the managedFields when printing objects in JSON or YAML format.",
    ),
    Flag::text(
        "template",
        "",
        "Template string or path to template file to use when -o=go-template, -o=go-template-file. The template format is golang templates [http://golang.org/pkg/text/template/#pkg-overview].",
    ),
];

pub const DRY_RUN: &[Flag] = &[Flag::text(
    "dry-run",
    "none",
    "Must be \"none\", \"server\", or \"client\". If client strategy, only print the object that would be sent, without sending it. If server strategy, submit server-side request without persisting the resource.",
)
.bare("unchanged")
.values(&["none", "server", "client"])];

/// Where manifests come from.
pub const FILES: &[Flag] = &[
    Flag::csv("filename", "Filename, directory, or URL to files identifying the resource.").short('f'),
    Flag::text(
        "kustomize",
        "",
        "Process the kustomization directory. This flag can't be used together with -f or -R.",
    )
    .short('k'),
    Flag::bool(
        "recursive",
        false,
        "Process the directory used in -f, --filename recursively. Useful when you want to manage related manifests organized within the same directory.",
    )
    .short('R'),
];

pub const SELECTOR: &[Flag] = &[Flag::text(
    "selector",
    "",
    "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.(e.g. -l key1=value1,key2=value2,key3 in (value3)). Matching objects must satisfy all of the specified label constraints.",
)
.short('l')];

pub const FIELD_SELECTOR: &[Flag] = &[Flag::text(
    "field-selector",
    "",
    "Selector (field query) to filter on, supports '=', '==', and '!='.(e.g. --field-selector key1=value1,key2=value2). The server only supports a limited number of field queries per type.",
)];

pub const ALL: &[Flag] =
    &[Flag::bool("all", false, "Select all resources, in the namespace of the specified resource types")];

pub const ALL_NAMESPACES: &[Flag] = &[Flag::bool(
    "all-namespaces",
    false,
    "If present, list the requested object(s) across all namespaces. Namespace in current context is ignored even if specified with --namespace.",
)
.short('A')];

pub const VALIDATE: &[Flag] = &[Flag::text(
    "validate",
    "strict",
    "Must be one of: strict (or true), warn, ignore (or false). \"true\" or \"strict\" will use a schema to validate the input and fail the request if invalid. It will perform server side validation if ServerSideFieldValidation is enabled on the api-server, but will fall back to less reliable client-side validation if not. \"warn\" will warn about unknown or duplicate fields without blocking the request if server-side field validation is enabled on the API server, and behave as \"ignore\" otherwise. \"false\" or \"ignore\" will not perform any schema validation, silently dropping any unknown or duplicate fields.",
)
.bare("strict")
.values(&["strict", "warn", "ignore"])];

pub const SAVE_CONFIG: &[Flag] = &[Flag::bool(
    "save-config",
    false,
    "If true, the configuration of current object will be saved in its annotation. Otherwise, the annotation will be unchanged. This flag is useful when you want to perform kubectl apply on this object in the future.",
)];

pub const LOCAL: &[Flag] =
    &[Flag::bool("local", false, "If true, the command will NOT contact api-server but run locally.")];

/// `--field-manager`, whose default names the verb.
pub const fn manager(default: &'static str) -> Flag {
    Flag::text("field-manager", default, "Name of the manager used to track field ownership.")
}

/// `--record`, which old tutorials still use.
pub const RECORD: &[Flag] = &[Flag::bool(
    "record",
    false,
    "Record current kubectl command in the resource annotation. If set to false, do not record the command. If set to true, record the command. If not set, default to updating the existing annotation value only if one already exists.",
)
.deprecated("--record will be removed in the future")];
