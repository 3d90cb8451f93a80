import { type Context, Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import type { Approvals } from './approvals.ts';
import type { Cards } from './cards.ts';
import { authenticate, owns } from './users.ts';
import { cardView, homeView, layout, ownView } from './views.ts';

/** Everybody reads and searches the cards; who is logged in asks for models, and decides about their own. */
export function createPages(cards: Cards, approvals: Approvals) {
  const app = new Hono<{ Variables: { user: string } }>();
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    console.error(error);
    return context.text('Something went wrong.', 500);
  });
  app.use(csrf());

  app.get('/', (context) => {
    const text = context.req.query('search') ?? '';
    return context.html(layout(homeView(text, cards.search(text))));
  });
  app.get('/models/:repository{.+}', (context) => {
    const card = cards.find(context.req.param('repository'));
    if (card === undefined) return context.text('There is no such model.', 404);
    return context.html(layout(cardView(card, context.req.header('host') ?? '')));
  });

  app.use(
    basicAuth({
      verifyUser(username, password, context) {
        const user = authenticate({ username, password });
        if (user !== undefined) context.set('user', user.id);
        return user !== undefined;
      },
    }),
  );
  app.post('/ask', async (context) => {
    const repository = await textOf(context, 'repository');
    if (cards.find(repository) === undefined) return context.text('There is no such model.', 404);
    approvals.ask(repository, context.get('user'));
    return context.text('The owner will read that you asked. Pull when it is approved.');
  });
  app.get('/own', (context) => context.html(layout(ownView(approvals.list(context.get('user'))))));
  app.post('/own/:decision{approve|remove}', async (context) => {
    const [repository, user] = [await textOf(context, 'repository'), await textOf(context, 'user')];
    if (!owns(context.get('user'), repository)) return context.text('The owner decides.', 403);
    if (context.req.param('decision') === 'approve') approvals.approve(repository, user);
    else approvals.remove(repository, user);
    return context.redirect('/own', 303);
  });
  return app;
}

/** A field of the form, empty where the browser sent none. */
async function textOf(context: Context, name: string): Promise<string> {
  const value = (await context.req.parseBody())[name];
  return typeof value === 'string' ? value : '';
}
