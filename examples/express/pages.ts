import { OciError, type Registry } from '@moorage/registry';
import { type NextFunction, type Request, type Response, Router } from 'express';
import type { Html } from './html.ts';
import type { Application } from './registry.ts';
import { apiKeyView, homeView, layout, logInView, messageView, repositoryView } from './views.ts';

declare module 'express-session' {
  interface SessionData {
    user: string;
  }
}

/** Of users and of projects: a project's begins the names of its repositories, so it is spelled as they are. */
const nameFormat = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const minimumPasswordLength = 12;

/** The application's pages. What they show of the registry they ask as the user who is logged in, so the same decision stands behind pages and clients. */
export function createPages(registry: Registry, { users, projects, pushes }: Application): Router {
  const router = Router();

  router.get('/', async (request, response) => {
    const { user } = request.session;
    const seen = { projects: projects.list(user) };
    if (user === undefined) return send(request, response, homeView(user, seen));
    const { items: repositories } = await registry.as({ id: user }).listRepositories({ limit: 1000 });
    send(request, response, homeView(user, { ...seen, repositories, apiKeys: users.listApiKeys(user) }));
  });

  router.get('/repositories/*name', async (request, response) => {
    const name = request.params.name.join('/');
    const { items } = await registry.as(toIdentity(request.session.user)).listTags(name, { limit: 1000 });
    const rows = items.map(({ tag }) => ({ tag, push: pushes.find(name, tag) }));
    send(request, response, repositoryView(name, hostOf(request), rows));
  });

  router.get('/log-in', (request, response) => send(request, response, logInView()));

  router.post('/log-in', async (request, response) => {
    const { name, password } = textsOf(request, 'name', 'password');
    if (await users.hasPassword(name, password)) await logIn(request, response, name);
    else send(request, response.status(401), logInView('The name or the password is wrong.'));
  });

  router.post('/sign-up', async (request, response) => {
    const { name, password } = textsOf(request, 'name', 'password');
    checkName(name);
    if (password.length < minimumPasswordLength) refuse(`A password has at least ${minimumPasswordLength} characters.`);
    if (!(await users.add(name, password))) refuse('The name is taken.');
    await logIn(request, response, name);
  });

  router.post('/log-out', (request, response, next) => {
    request.session.destroy((error) => (error ? next(error) : response.redirect('/')));
  });

  router.post('/projects', (request, response) => {
    const { name, visibility } = textsOf(request, 'name', 'visibility');
    checkName(name);
    const isNew = projects.add(name, visibility === 'public' ? 'public' : 'private', requireUser(request));
    if (!isNew) refuse('The name is taken.');
    response.redirect('/');
  });

  router.post('/projects/:project/members', (request, response) => {
    const { project } = request.params;
    const { user, role } = textsOf(request, 'user', 'role');
    if (projects.find(project, requireUser(request))?.role !== 'owner') refuse('Only an owner sets roles.');
    if (!users.exists(user)) refuse('There is no such user.');
    projects.setRole(project, user, role === 'owner' || role === 'contributor' ? role : undefined);
    response.redirect('/');
  });

  router.post('/api-keys', (request, response) => {
    const user = requireUser(request);
    const { label } = textsOf(request, 'label');
    send(request, response, apiKeyView(hostOf(request), user, users.addApiKey(user, label)));
  });

  router.post('/api-keys/:id/revoke', (request, response) => {
    users.removeApiKey(requireUser(request), Number(request.params.id));
    response.redirect('/');
  });

  router.use(answerError);
  return router;
}

/** What a user must be told, with the status for it. */
class PageError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function refuse(message: string): never {
  throw new PageError(400, message);
}

function checkName(name: string): void {
  if (!nameFormat.test(name))
    refuse('A name has small letters and digits, with single dots, dashes or underscores between them.');
}

function requireUser({ session }: Request): string {
  if (session.user === undefined) throw new PageError(401, 'Log in first.');
  return session.user;
}

/** Refusals of the registry's have a status and words for people, too. */
// biome-ignore lint/complexity/useMaxParams: Express knows what handles errors by its four parameters.
function answerError(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (!(error instanceof OciError || error instanceof PageError)) next(error);
  else if (error.status === 401) response.redirect('/log-in');
  else send(request, response.status(error.status), messageView(error.message));
}

function send({ session }: Request, response: Response, content: Html): void {
  response.type('html').send(layout(session.user, content));
}

/** A new session, so that nobody knows its id from before. */
async function logIn(request: Request, response: Response, user: string): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    request.session.regenerate((error) => (error ? reject(error) : resolve())),
  );
  request.session.user = user;
  response.redirect('/');
}

function toIdentity(user: string | undefined): { readonly id: string } | undefined {
  return user === undefined ? undefined : { id: user };
}

function hostOf(request: Request): string {
  return request.get('host') ?? '';
}

/** Fields of a form, empty where the browser sent none. */
function textsOf<Name extends string>({ body }: Request, ...names: readonly Name[]): Record<Name, string> {
  const texts = names.map((name) => [name, typeof body?.[name] === 'string' ? body[name] : '']);
  return Object.fromEntries(texts);
}
