/** Translates a text of the extension; the product uses VS Code's `l10n.t`, tests their own. Pure. */
export type Translate = (message: string, ...values: (string | number)[]) => string;
