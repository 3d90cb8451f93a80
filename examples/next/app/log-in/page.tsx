import { logIn, signUp } from '../actions.ts';
import { Form } from '../form.tsx';

export default function LogIn() {
  return (
    <main>
      <h1>Log in</h1>
      <Form action={logIn} label="Log in">
        <input name="name" placeholder="name" /> <input name="key" type="password" placeholder="API key" />
      </Form>
      <h2>New here?</h2>
      <Form action={signUp} label="Sign up">
        <input name="name" placeholder="name" />
      </Form>
    </main>
  );
}
