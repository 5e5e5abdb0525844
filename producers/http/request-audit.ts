import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuditEvent, LedgerlineError } from '../../schemas/index.ts';
import {
  currentContext,
  merged,
  resumeContext,
  type AuditContext,
  type Scope,
} from '../context/context.ts';
import { Deliveries } from '../context/deliveries.ts';
import { activeTraceId } from '../context/open-telemetry.ts';
import { parseTraceparent } from '../context/traceparent.ts';
import type { Voice } from '../voice.ts';
import { bindEmitter } from './bind-emitter.ts';
import { clientAddress } from './client-address.ts';
import { endAfter } from './end-after.ts';
import { introduced, type Identification } from './identify.ts';
import { checkHttpOptions, type CheckedHttpOptions } from './options.ts';
import { RequestEvent } from './request-event.ts';
import { requestId } from './request-id.ts';
import { routeFinder, type FindRoute } from './route-map.ts';
import { ABORTED, statusOutcome } from './status-outcome.ts';
import { trustOf, type TrustsHop } from './trusted-proxies.ts';

/** What frameworks know of a request, each in its own place. */
export interface Framework<R, A> {
  /** Path and query, as the client sent them. */
  url(request: R): string;
  /** The pattern of the route that serves it: `/apps/:id`; undefined where nobody knows. */
  route(request: R): string | undefined;
  /** Puts a header on the answer, as the framework's own are. */
  answer(to: A, name: string, value: string): void;
}

/** A ledger, as far as the middleware goes. */
export interface RequestLedger extends Voice {
  readonly async: boolean;
}

/** One request on its way. */
interface Exchange<R> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What the framework calls the request. */
  readonly subject: R;
  readonly scope: Scope;
  /** As it began: the request's own span is over when its event is said. */
  readonly traceId: string | undefined;
  readonly startedMs: number;
  said: boolean;
}

const LONGEST_ATTRIBUTE = 512;

/** What the middleware of every framework does with a request. None of it can fail the request. */
export class RequestAudit<R, A> {
  readonly #ledger: RequestLedger;
  readonly #framework: Framework<R, A>;
  readonly #options: CheckedHttpOptions<R>;
  readonly #trusts: TrustsHop;
  readonly #find: FindRoute<R>;
  readonly #identification: Identification<R> | undefined;
  #warned = false;

  constructor(ledger: RequestLedger, framework: Framework<R, A>, options: unknown) {
    this.#ledger = ledger;
    this.#framework = framework;
    this.#options = checkHttpOptions(options);
    this.#trusts = trustOf(this.#options.trustedProxies);
    this.#find = routeFinder(this.#options.audit);
    const { identify, identifyTimeoutMs: timeoutMs } = this.#options;
    const onFault = (error: LedgerlineError): void => this.#warn(error);
    this.#identification = identify && { identify, timeoutMs, onFault };
  }

  /** Opens the request's context, finds out who asks, and goes on: at once, unless they say later. */
  begin(
    request: IncomingMessage,
    response: ServerResponse,
    subject: R,
    answer: A,
    next: () => void,
  ): void {
    const scope = this.#scopeOf(request, answer);
    bindEmitter(request, scope);
    bindEmitter(response, scope);
    if (this.#options.audit !== undefined || scope.deliveries !== undefined) {
      const startedMs = performance.now();
      const traceId = scope.traceId ?? activeTraceId();
      this.#follow({ request, response, subject, scope, traceId, startedMs, said: false });
    }
    const later = this.#identification && introduced(scope, subject, this.#identification);
    const { anonymous } = this.#options;
    if (later === undefined) {
      scope.actor ??= anonymous;
      return resumeContext(scope, next);
    }
    void later.then(() => {
      scope.actor ??= anonymous;
      // Not within the promise: what the service throws is no rejection of ours.
      process.nextTick(resumeContext, scope, next);
    });
  }

  #scopeOf(request: IncomingMessage, answer: A): Scope {
    const { forwardedHeader, requestIdHeader, acceptRequestId } = this.#options;
    const { headers } = request;
    const traceId = traceOf(headers['traceparent']);
    const id = requestId(headers[requestIdHeader], acceptRequestId, traceId ?? activeTraceId());
    this.#framework.answer(answer, requestIdHeader, id);
    const peer = request.socket?.remoteAddress;
    const scope = merged(currentContext(), {
      sourceIp: clientAddress(peer, headers, forwardedHeader, this.#trusts),
      correlationId: id,
      traceId,
      attributes: agentOf(headers['user-agent']),
    });
    if (!this.#ledger.async) scope.deliveries = new Deliveries();
    return scope;
  }

  #follow(exchange: Exchange<R>): void {
    const { response, scope } = exchange;
    if (scope.deliveries !== undefined) {
      const { deliveryTimeoutMs } = this.#options;
      endAfter(response, scope.deliveries, deliveryTimeoutMs, () => this.#say(exchange, false));
    }
    if (this.#options.audit === undefined) return;
    // Comes after `finish`, and also without it; `once` would wrap what is called once anyway.
    response.on('close', () => this.#say(exchange, !isFinished(response)));
  }

  #say(exchange: Exchange<R>, aborted: boolean): void {
    if (exchange.said) return;
    exchange.said = true;
    const { request, response, subject, scope, traceId, startedMs } = exchange;
    const url = this.#framework.url(subject);
    const path = pathOf(url);
    const route = this.#framework.route(subject);
    const method = request.method ?? '';
    const found = this.#find(method, path, route) ?? this.#find(method, resolved(url), undefined);
    if (found === undefined) return;
    const status = response.statusCode;
    const durationMs = performance.now() - startedMs;
    const attributes = (): AuditEvent['attributes'] => ({
      'http.request.method': method,
      'http.route': found.pattern.endsWith('*') ? (route ?? found.pattern) : found.pattern,
      'url.path': path.slice(0, LONGEST_ATTRIBUTE),
      ...(aborted && !response.headersSent
        ? undefined
        : { 'http.response.status_code': String(status) }),
      'http.server.request.duration': durationMs.toFixed(3),
    });
    const ending = aborted ? ABORTED : statusOutcome(status);
    const event = new RequestEvent(subject, found, { ending, traceId, attributes });
    resumeContext(scope, () => this.#ledger.emit(found.audit.type, event));
  }

  #warn(error: LedgerlineError): void {
    const { onError } = this.#options;
    if (onError === undefined) {
      if (!this.#warned) process.emitWarning(error);
      this.#warned = true;
      return;
    }
    try {
      onError(error);
    } catch {
      // Whoever listens badly hears nothing; the events say that their actor is unknown.
    }
  }
}

/** Of HTTP/2's compatible responses only whether they were ended is known. */
const isFinished = (response: Partial<ServerResponse>): boolean =>
  response.writableFinished ?? response.writableEnded ?? false;

/** With OpenTelemetry each event has the trace of the span that is active when it is said. */
const traceOf = (traceparent: unknown): string | undefined =>
  traceparent === undefined || activeTraceId() !== undefined
    ? undefined
    : parseTraceparent(traceparent)?.traceId;

const agentOf = (agent: string | undefined): AuditContext['attributes'] =>
  agent === undefined ? undefined : { 'user_agent.original': agent.slice(0, LONGEST_ATTRIBUTE) };

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/**
 * The path as `new URL` has it, which may be how the service reads it: an absolute target, `..`,
 * backslashes and fragments lead to a route that the text alone does not show.
 */
function resolved(url: string): string {
  try {
    return new URL(url, 'http://service').pathname;
  } catch {
    return url;
  }
}

/** The answer's header, where the framework has no way of its own. */
export function answerPlainly(response: ServerResponse, name: string, value: string): void {
  if (!response.headersSent) response.setHeader(name, value);
}
