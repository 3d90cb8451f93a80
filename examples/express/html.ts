/** Text that may be sent as it is. */
export interface Html {
  readonly html: string;
}

/** Writes HTML: what is put into the template is escaped, unless it is HTML itself. */
export function html(
  template: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[] | undefined)[]
): Html {
  return { html: String.raw({ raw: template }, ...values.map(toText)) };
}

function toText(value: string | number | Html | readonly Html[] | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeText(String(value));
  return 'html' in value ? value.html : value.map(({ html }) => html).join('');
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
