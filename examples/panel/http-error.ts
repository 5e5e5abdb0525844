/** What Fastify answers with `statusCode`: `{ statusCode, code, error, message }`. */
export type HttpError = Error & { readonly statusCode: number; readonly code: string };

export const httpError = (statusCode: number, code: string, message: string): HttpError =>
  Object.assign(new Error(message), { statusCode, code });

export const notFound = (id: string): HttpError =>
  httpError(404, 'NOT_FOUND', `There is no ${id}.`);
