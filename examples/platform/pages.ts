import { OciError, type Registry } from '@moorage/registry';
import { type Context, Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type Customer, type Customers, plans } from './customers.ts';
import { listPreviews } from './previews.ts';
import { customerView, keyView, layout, operatorView } from './views.ts';

/** What the pages show and change. */
export interface PageNeeds {
  readonly registry: Registry;
  readonly customers: Customers;
  readonly operatorKey: string;
}

const operator = 'operator';
/** It begins the names of repositories, so it is spelled as they are. */
const nameFormat = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

/** The operator's page, and each customer's: the browser asks for the same key as docker does. */
export function createPages(needs: PageNeeds) {
  const { customers, operatorKey } = needs;
  const app = new Hono<{ Variables: { customer: Customer } }>();
  app.onError((error, context) => {
    if (error instanceof OciError) return context.text(error.message, error.status as ContentfulStatusCode);
    if (error instanceof HTTPException) return error.getResponse();
    console.error(error);
    return context.text('Something went wrong.', 500);
  });
  app.use(csrf());
  app.route('/operator', createOperatorPages(needs));
  app.use(
    basicAuth({
      verifyUser(username, password, context) {
        const customer = customers.hasKey(username, password) ? customers.find(username) : undefined;
        if (customer !== undefined) context.set('customer', customer);
        return customer !== undefined;
      },
    }),
  );
  addCustomerPages(app, needs);
  return app;

  function createOperatorPages({ registry }: PageNeeds) {
    const pages = new Hono();
    pages.use(basicAuth({ username: operator, password: operatorKey, realm: operator }));
    pages.get('/', async (context) => {
      const rows = customers.list().map(async (customer) => {
        return { customer, usage: await registry.usage(`${customer.name}/*`) };
      });
      return context.html(layout(operatorView(await Promise.all(rows), [...plans.keys()])));
    });
    pages.post('/customers', async (context) => {
      const name = await textOf(context, 'name');
      if (!nameFormat.test(name))
        return context.text('A name has small letters, digits, and single dots or dashes.', 400);
      const key = customers.add(name);
      if (key === undefined) return context.text('The name is taken.', 409);
      return context.html(layout(keyView(context.req.header('host') ?? '', name, key)));
    });
    pages.post('/customers/:name/plan', async (context) => {
      const plan = await textOf(context, 'plan');
      if (!plans.has(plan)) return context.text('There is no such plan.', 400);
      customers.setPlan(context.req.param('name'), plan);
      return context.redirect('/operator', 303);
    });
    return pages;
  }
}

type CustomerPages = Hono<{ Variables: { customer: Customer } }>;

function addCustomerPages(app: CustomerPages, { registry }: PageNeeds): void {
  app.get('/', async (context) => {
    const customer = context.get('customer');
    const { name } = customer;
    const [usage, { items: repositories }, previews] = await Promise.all([
      registry.usage(`${name}/*`),
      registry.listRepositories({ namespace: name, limit: 1000 }),
      listPreviews(registry, name),
    ]);
    return context.html(layout(customerView({ customer, usage, repositories, previews })));
  });
  // As the customer: a name that is not theirs is refused here as it is at the registry.
  app.post('/remove', async (context) => {
    await registry.as({ id: context.get('customer').name }).removeRepository(await textOf(context, 'repository'));
    return context.redirect('/', 303);
  });
  app.post('/end-preview', async (context) => {
    const [repository, tag] = [await textOf(context, 'repository'), await textOf(context, 'tag')];
    await registry.as({ id: context.get('customer').name }).expire(repository, tag, new Date());
    await registry.sweep(); // it would go within ten minutes by itself, but somebody waits
    return context.redirect('/', 303);
  });
}

/** A field of the form, empty where the browser sent none. */
async function textOf(context: Context, name: string): Promise<string> {
  const value = (await context.req.parseBody())[name];
  return typeof value === 'string' ? value : '';
}
