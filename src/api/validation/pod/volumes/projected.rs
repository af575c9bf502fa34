//! Projected volumes: several sources in one directory, without two files of one name.
//!
//! Mirrors: pkg/apis/core/validation `validateProjectionSources`, `validateDownwardAPIVolumeFile`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    ClusterTrustBundleProjection, DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource,
    ServiceAccountTokenProjection,
};

use super::super::super::common::{label_selector, required};
use super::super::super::field::{ErrorList, FieldError, Path};
use super::super::super::go_value::GoValue;
use super::super::env::{VOLUME_FIELDS, field_selector, resource_selector};
use super::{file_mode, key_to_path, local_path};

pub fn projected(source: &ProjectedVolumeSource, path: &Path, errors: &mut ErrorList) {
    file_mode(source.default_mode, &path.child("defaultMode"), errors);
    let mut seen = BTreeSet::new();
    for (i, source) in source.sources.iter().flatten().enumerate() {
        let list = path.child("sources");
        let here = list.index(i);
        let mut count = 0;
        if let Some(secret) = &source.secret {
            count += 1;
            keys(&secret.name, secret.items.as_deref(), &mut seen, path, &here.child("secret"), errors);
        }
        if let Some(config) = &source.config_map {
            count += 1;
            keys(&config.name, config.items.as_deref(), &mut seen, path, &here.child("configMap"), errors);
        }
        if let Some(downward) = &source.downward_api {
            count += 1;
            for file in downward.items.iter().flatten() {
                downward_file(file, &here.child("downwardAPI"), errors);
                if !file.path.is_empty() {
                    claim_path(&file.path, &file.path, &mut seen, path, errors);
                }
            }
        }
        if let Some(token) = &source.service_account_token {
            count += 1;
            self::token(token, path, &here.child("serviceAccountToken"), errors);
        }
        if let Some(bundle) = &source.cluster_trust_bundle {
            count += 1;
            trust_bundle(bundle, &here.child("clusterTrustBundle"), errors);
            claim_path(&bundle.path, &bundle.path, &mut seen, path, errors);
        }
        if let Some(certificate) = &source.pod_certificate {
            count += 1;
            let here = here.child("podCertificate");
            required(&certificate.signer_name, &here.child("signerName"), errors);
            required(&certificate.key_type, &here.child("keyType"), errors);
        }
        if count > 1 {
            errors.push(FieldError::forbidden(&here, "may not specify more than 1 volume type per source"));
        }
    }
}

fn keys(
    name: &str,
    items: Option<&[KeyToPath]>,
    seen: &mut BTreeSet<String>,
    volume_path: &Path,
    path: &Path,
    errors: &mut ErrorList,
) {
    required(name, &path.child("name"), errors);
    for (i, item) in items.unwrap_or_default().iter().enumerate() {
        key_to_path(item, &path.child("items").index(i), errors);
        if !item.path.is_empty() {
            claim_path(&item.path, name, seen, volume_path, errors);
        }
    }
}

fn claim_path(file: &str, shown: &str, seen: &mut BTreeSet<String>, path: &Path, errors: &mut ErrorList) {
    if !seen.insert(file.into()) {
        errors.push(FieldError::invalid(path, shown, "conflicting duplicate paths"));
    }
}

fn token(token: &ServiceAccountTokenProjection, volume_path: &Path, path: &Path, errors: &mut ErrorList) {
    let seconds = token.expiration_seconds.unwrap_or_default();
    let here = path.child("expirationSeconds");
    if seconds < 10 * 60 {
        errors.push(FieldError::invalid(&here, seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds > 1 << 32 {
        errors.push(FieldError::invalid(&here, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    // Upstream reports the token's path at the volume.
    if token.path.is_empty() {
        errors.push(FieldError::required(&volume_path.child("path"), ""));
    } else {
        local_path(&token.path, &volume_path.child("path"), errors);
    }
}

fn trust_bundle(bundle: &ClusterTrustBundleProjection, path: &Path, errors: &mut ErrorList) {
    match (&bundle.name, &bundle.signer_name) {
        (Some(_), Some(_)) => {
            let printed = GoValue::Struct(vec![
                ("Name", bundle.name.clone().into()),
                ("SignerName", bundle.signer_name.clone().into()),
                ("LabelSelector", bundle.label_selector.as_ref().into()),
                ("Optional", bundle.optional.into()),
                ("Path", (&bundle.path).into()),
            ]);
            errors.push(FieldError::invalid(path, printed, "only one of name and signerName may be used"));
        }
        (Some(name), None) if name.is_empty() => {
            errors.push(FieldError::required(&path.child("name"), "must be a valid object name"));
        }
        (Some(_), None) => {}
        (None, Some(signer)) => {
            if signer.is_empty() {
                errors.push(FieldError::required(&path.child("signerName"), "must be a valid signer name"));
            }
            label_selector(bundle.label_selector.as_ref(), &path.child("labelSelector"), errors);
        }
        (None, None) => {
            errors.push(FieldError::required(path, "either name or signerName must be specified"));
        }
    }
    required(&bundle.path, &path.child("path"), errors);
    local_path(&bundle.path, &path.child("path"), errors);
}

pub fn downward_file(file: &DownwardAPIVolumeFile, path: &Path, errors: &mut ErrorList) {
    required(&file.path, &path.child("path"), errors);
    local_path(&file.path, &path.child("path"), errors);
    match (&file.field_ref, &file.resource_field_ref) {
        (Some(field), resource) => {
            field_selector(field, &VOLUME_FIELDS, &path.child("fieldRef"), errors);
            if resource.is_some() {
                let text = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.push(FieldError::invalid(path, "resource", text));
            }
        }
        (None, Some(resource)) => resource_selector(resource, true, &path.child("resourceFieldRef"), errors),
        (None, None) => {
            errors.push(FieldError::required(path, "one of fieldRef and resourceFieldRef is required"));
        }
    }
    file_mode(file.mode, &path.child("mode"), errors);
}
