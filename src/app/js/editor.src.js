// The YAML editor: CodeMirror 6 behind a handful of functions that Rust calls.
// `cargo xtask editor` bundles this file into editor.js, which is committed. In Rust:
//
//   #[wasm_bindgen(module = "/js/editor.js")]
//   extern "C" {
//       fn create(parent: &web_sys::HtmlElement, options: &JsValue) -> JsValue;  // the handle
//       #[wasm_bindgen(js_name = setDoc)] fn set_doc(handle: &JsValue, text: &str);
//       …
//   }
//
// create(parent, options) -> handle; options is a plain object, every field but `doc` optional:
//   doc          string   the text to begin with
//   ariaLabel    string   the editor's accessible name
//   readOnly     boolean
//   onChange     (text) => void     after the user's change; not for setDoc. Never during an IME composition.
//   onApply      () => void         Ctrl+Enter or Cmd+Enter
//   complete     (text, offset) => [{label, detail, info, apply, from}] | null
//                the suggestions at an offset; `apply` is inserted instead of `label`, in place of
//                what stands between `from` and the offset
//   hover        (text, offset) => string | null   the explanation of what is under the pointer
// setDoc(handle, text)        replaces the text (an undoable change; cursor and scroll are kept)
// resetDoc(handle, text)      another file: the text, with an empty history
// getDoc(handle) -> string
// setDiagnostics(handle, [{from, to, severity, message}])   severity: "error" | "warning" | "info"
// focus(handle)   goto(handle, line)   setReadOnly(handle, boolean)   setLabel(handle, text)   destroy(handle)
//
// All offsets count UTF-16 code units; lines count from 1. Offsets outside the text are clamped,
// because diagnostics may come a keystroke late. Callbacks may call back into the editor only after
// they returned (CodeMirror forbids dispatching from inside an update).
//
// Tab indents; Escape, then Tab (or Shift+Tab) leaves the editor. Ctrl+M toggles that for good.
// Colours come from CSS variables of the page, see `theme` below; light and dark follow by themselves.

import { EditorState, Compartment } from "@codemirror/state";
import {
  EditorView, keymap, lineNumbers, highlightActiveLine, highlightActiveLineGutter, drawSelection,
  highlightSpecialChars, hoverTooltip, tooltips,
} from "@codemirror/view";
import { defaultKeymap, history, historyKeymap, indentMore, indentLess } from "@codemirror/commands";
import {
  HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics as diagnosticsEffect } from "@codemirror/lint";
import {
  autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, acceptCompletion, completionStatus,
} from "@codemirror/autocomplete";
import { yaml } from "@codemirror/lang-yaml";
import { tags } from "@lezer/highlight";
import { StyleModule } from "style-mod";

// The content security policy forbids <style> elements, constructed sheets are allowed. The library
// uses those in shadow roots only; the editor stays in the document, so that focus, labels and tests
// see it. Later modules win, as in the library.
const mounted = new WeakMap();
StyleModule.mount = (root, modules) => {
  const known = mounted.get(root) ?? { sheet: new CSSStyleSheet(), modules: [] };
  mounted.set(root, known);
  const given = [modules].flat();
  const kept = known.modules.filter((module) => !given.includes(module));
  if (kept.length + given.length !== known.modules.length || !root.adoptedStyleSheets.includes(known.sheet)) {
    known.modules = [...kept, ...given];
    known.sheet.replaceSync(known.modules.map((module) => module.getRules()).join("\n"));
    if (!root.adoptedStyleSheets.includes(known.sheet)) root.adoptedStyleSheets = [known.sheet, ...root.adoptedStyleSheets];
  }
};

// The page sets --editor-* on the editor or above it; the fallbacks are readable in both schemes.
const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--editor-text, CanvasText)", backgroundColor: "var(--editor-surface, Canvas)", fontSize: "var(--editor-font-size, 0.875rem)" },
  "&.cm-focused": { outline: "var(--editor-focus, 2px solid Highlight)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--editor-font, ui-monospace, monospace)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--editor-caret, CanvasText)", padding: "0.5rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--editor-caret, CanvasText)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--editor-selection, Highlight)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--editor-active-line, transparent)" },
  ".cm-gutters": { color: "var(--editor-gutter-text, GrayText)", backgroundColor: "var(--editor-gutter, transparent)", border: "none" },
  ".cm-matchingBracket": { backgroundColor: "var(--editor-match, transparent)", outline: "1px solid var(--editor-gutter-text, GrayText)" },
  ".cm-tooltip": { color: "var(--editor-tooltip-text, CanvasText)", backgroundColor: "var(--editor-tooltip, Canvas)", border: "1px solid var(--editor-border, GrayText)", borderRadius: "var(--editor-radius, 6px)", maxWidth: "min(32rem, 90vw)" },
  ".cm-tooltip-hover": { padding: "0.5rem 0.75rem", whiteSpace: "pre-wrap", fontFamily: "var(--editor-prose-font, system-ui, sans-serif)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--editor-font, ui-monospace, monospace)", maxHeight: "14rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.25rem 0.5rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--editor-selected-text, HighlightText)", background: "var(--editor-selected, Highlight)" },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal", opacity: "1" },
  ".cm-completionInfo": { padding: "0.5rem 0.75rem", whiteSpace: "pre-wrap", fontFamily: "var(--editor-prose-font, system-ui, sans-serif)" },
  ".cm-diagnostic": { padding: "0.25rem 0.5rem", whiteSpace: "pre-wrap" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--editor-error, #D55E00)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--editor-warning, #E69F00)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--editor-error, #D55E00)", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--editor-warning, #E69F00)", textUnderlineOffset: "3px" },
  // A shape besides the colour, and no picture that knows only one scheme.
  ".cm-lint-marker": { content: "normal", width: "1em", height: "1em", lineHeight: "1", textAlign: "center", fontWeight: "bold" },
  ".cm-lint-marker-error": { content: "normal", color: "var(--editor-error, #D55E00)", "&:before": { content: '"✕"' } },
  ".cm-lint-marker-warning": { content: "normal", color: "var(--editor-warning, #E69F00)", "&:before": { content: '"▲"' } },
  ".cm-lint-marker-info": { content: "normal", color: "var(--editor-gutter-text, GrayText)", "&:before": { content: '"●"' } },
  ".cm-foldPlaceholder": { color: "inherit", backgroundColor: "transparent", border: "1px solid var(--editor-border, GrayText)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--editor-key, LinkText)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--editor-string, inherit)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.keyword], color: "var(--editor-literal, inherit)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--editor-comment, GrayText)", fontStyle: "italic" },
  { tag: [tags.meta, tags.labelName, tags.typeName], color: "var(--editor-meta, inherit)" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--editor-punctuation, inherit)" },
  { tag: tags.invalid, color: "var(--editor-error, #D55E00)" },
]);

// Tab takes a suggestion, indents a selection, or steps to the next indent.
const tab = {
  key: "Tab",
  run: (view) => {
    // The library takes no key in the first moments of a list, lest it take one meant for the text.
    // A Tab pressed that soon must not indent the half word either.
    if (completionStatus(view.state) === "active") return acceptCompletion(view) || true;
    if (view.state.readOnly) return false;
    const { main } = view.state.selection;
    return main.empty ? insertSpaces(view) : indentMore(view);
  },
  shift: indentLess,
};

function insertSpaces(view) {
  const { state } = view;
  const { head } = state.selection.main;
  const column = head - state.doc.lineAt(head).from;
  view.dispatch(state.replaceSelection(" ".repeat(2 - (column % 2))), { scrollIntoView: true, userEvent: "input" });
  return true;
}

export function create(parent, options) {
  const readOnly = new Compartment();
  const label = new Compartment();
  const handle = { view: null, readOnly, label, extensions: null, pending: false, own: false };

  const report = () => {
    handle.pending = false;
    options.onChange?.(handle.view.state.doc.toString());
  };
  const apply = {
    key: "Mod-Enter",
    // While a word is being composed, Enter belongs to the input method.
    run: (view) => { if (!view.composing) options.onApply?.(); return true; },
  };
  const source = (context) => {
    const found = options.complete?.(context.state.doc.toString(), context.pos);
    if (!found?.length) return null;
    const from = clamp(found[0].from ?? context.pos, context.state);
    if (!context.explicit && from === context.pos && !atLineStart(context)) return null;
    return {
      from: Math.min(from, context.pos),
      validFor: /^[\w.\-/]*$/,
      options: found.map(({ label, detail, info, apply }) => ({ label, detail, info: info || undefined, apply: apply || label })),
    };
  };
  const explain = (view, offset) => {
    const text = options.hover?.(view.state.doc.toString(), offset);
    if (!text) return null;
    const word = view.state.wordAt(offset);
    return {
      pos: word?.from ?? offset,
      end: word?.to ?? offset,
      above: true,
      create: () => {
        const dom = document.createElement("div");
        dom.textContent = text;
        return { dom };
      },
    };
  };

  handle.extensions = [
    lineNumbers(), highlightActiveLine(), highlightActiveLineGutter(), highlightSpecialChars(), drawSelection(),
    history(), foldGutter(), indentOnInput(), indentUnit.of("  "), bracketMatching(), closeBrackets(),
    syntaxHighlighting(colours), yaml(), lintGutter(), theme,
    // Not clipped by the panel that holds the editor.
    tooltips({ position: "fixed" }),
    autocompletion({ override: [source], icons: false }),
    hoverTooltip(explain, { hideOnChange: true }),
    keymap.of([
      apply, ...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, tab,
    ]),
    readOnly.of(lock(options.readOnly ?? false)),
    label.of(named(options.ariaLabel ?? "YAML")),
    EditorView.updateListener.of((update) => {
      if (update.docChanged && !handle.own) handle.pending = true;
      // Half a Korean syllable is no YAML: it is reported when the input method has finished it.
      if (handle.pending && !update.view.composing) report();
    }),
    EditorView.domEventHandlers({
      compositionend: () => { setTimeout(() => { if (handle.pending && handle.view) report(); }); },
    }),
  ];
  handle.view = new EditorView({ parent, state: EditorState.create({ doc: options.doc ?? "", extensions: handle.extensions }) });
  return handle;
}

const lock = (on) => [EditorState.readOnly.of(on)];
const named = (text) => EditorView.contentAttributes.of({ "aria-label": text });
const clamp = (offset, state) => Math.max(0, Math.min(offset, state.doc.length));
const atLineStart = (context) => /^[\s-]*$/.test(context.state.doc.lineAt(context.pos).text) && context.matchBefore(/^[\s-]+/) !== null;

// What the program changes is not reported back to it.
function quietly(handle, change) {
  handle.own = true;
  try { change(); } finally { handle.own = false; }
}

export function setDoc(handle, text) {
  const { view } = handle;
  const old = view.state.doc.toString();
  if (old === text) return;
  // Only the part that differs is replaced: cursor and scroll position stay where they are.
  let from = 0;
  while (from < old.length && old[from] === text[from]) from += 1;
  let end = 0;
  while (end < Math.min(old.length, text.length) - from && old[old.length - 1 - end] === text[text.length - 1 - end]) end += 1;
  quietly(handle, () => view.dispatch({ changes: { from, to: old.length - end, insert: text.slice(from, text.length - end) } }));
}

export function resetDoc(handle, text) {
  const { view } = handle;
  const { readOnly } = view.state;
  const name = view.contentDOM.getAttribute("aria-label");
  quietly(handle, () => view.setState(EditorState.create({ doc: text, extensions: handle.extensions })));
  setReadOnly(handle, readOnly);
  setLabel(handle, name);
}

export function getDoc(handle) {
  return handle.view.state.doc.toString();
}

export function setDiagnostics(handle, diagnostics) {
  const { view } = handle;
  const { state } = view;
  const shown = diagnostics.map(({ from, to, severity, message }) => {
    const start = clamp(from, state);
    // An empty range would be invisible: it grows to the end of its line, or back by one.
    const end = Math.max(clamp(to, state), start);
    const line = state.doc.lineAt(start);
    if (end > start) return { from: start, to: end, severity: severity || "error", message };
    return start < line.to
      ? { from: start, to: line.to, severity: severity || "error", message }
      : { from: Math.max(line.from, start - 1), to: start, severity: severity || "error", message };
  });
  view.dispatch(diagnosticsEffect(state, shown));
}

export function focus(handle) {
  handle.view.focus();
}

// `goto` is a reserved word in no version of JavaScript that modules run in; Rust names it `go_to`.
export function goto(handle, line) {
  const { view } = handle;
  const wanted = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)));
  view.dispatch({ selection: { anchor: wanted.from }, effects: EditorView.scrollIntoView(wanted.from, { y: "center" }) });
  view.focus();
}

export function setReadOnly(handle, on) {
  handle.view.dispatch({ effects: handle.readOnly.reconfigure(lock(on)) });
}

export function setLabel(handle, text) {
  handle.view.dispatch({ effects: handle.label.reconfigure(named(text ?? "YAML")) });
}

export function destroy(handle) {
  handle.view?.destroy();
  handle.view = null;
}
