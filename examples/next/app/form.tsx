'use client';

import { type ReactNode, useActionState } from 'react';

interface Props {
  readonly action: (previous: string, form: FormData) => Promise<string>;
  readonly label: string;
  readonly children?: ReactNode;
}

/** A form that shows what its action says. It works without scripts, too. */
export function Form({ action, label, children }: Props) {
  const [said, submit] = useActionState(action, '');
  return (
    <form action={submit}>
      {children} <button type="submit">{label}</button> <output>{said}</output>
    </form>
  );
}
