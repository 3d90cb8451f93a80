import { toNextHandler } from '@moorage/registry/next';
import type { NextApiHandler } from 'next';
import { registry } from '../../../lib/registry.ts';

// Bodies go to the registry as they come, and answers may be of any size.
export const config = { api: { bodyParser: false, responseLimit: false } };

export default toNextHandler(registry) satisfies NextApiHandler;
