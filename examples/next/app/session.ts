import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';
import { closeSession, openSession, userOfSession } from '../lib/users.ts';

const name = 'session';

/** Who looks; who is not logged in is sent to the log-in page. */
export async function currentUser(): Promise<string> {
  return userOfSession((await cookies()).get(name)?.value ?? '') ?? redirect('/log-in');
}

export async function startSession(user: string): Promise<void> {
  const secure = process.env.PUBLIC_URL?.startsWith('https:') === true;
  (await cookies()).set(name, openSession(user), { httpOnly: true, sameSite: 'lax', secure });
}

export async function endSession(): Promise<void> {
  const kept = await cookies();
  closeSession(kept.get(name)?.value ?? '');
  kept.delete(name);
}
