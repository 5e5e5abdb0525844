import type { Party, RelatedParty } from '../../../schemas/index.ts';
import { type JsonObject, objectOf, snakeCase, textOf } from '../json.ts';

export interface Acting {
  readonly actor: Party;
  readonly related: readonly RelatedParty[];
}

/**
 * Who called, and for whom, from CloudTrail's `userIdentity`
 * (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).
 *
 * The actor's id is AWS's own surrogate key, `principalId` (`AIDA…`; for a role session
 * `AROA…:session`); names go to `name`, where they can be erased. A session acts on behalf of whoever
 * set its source identity, else of the role or user it was issued for. `invokedBy` beside a caller
 * means that an AWS service made the call for that caller: it is related as `via`. Pure.
 */
export function actingOf(userIdentity: unknown): Acting {
  const identity = objectOf(userIdentity);
  const session = objectOf(identity['sessionContext']);
  const issuer = partyOf(objectOf(session['sessionIssuer']));
  const actor = actorOf(identity, issuer);
  return { actor, related: relatedOf(identity, session, issuer, actor) };
}

function actorOf(identity: JsonObject, issuer: Party | undefined): Party {
  const known = partyOf(identity);
  if (known === undefined) {
    const service = textOf(identity['invokedBy']);
    return service === undefined
      ? { type: 'unknown', id: textOf(identity['accountId']) ?? 'unknown' }
      : { type: 'aws_service', id: service };
  }
  const sessionName = known.id.includes(':') ? known.id.slice(known.id.indexOf(':') + 1) : '';
  if (known.name !== undefined || issuer?.name === undefined || sessionName === '') return known;
  return { ...known, name: `${issuer.name}/${sessionName}` };
}

/** An identity or issuer that has a type of its own; `undefined` where CloudTrail left it empty. */
function partyOf(identity: JsonObject): Party | undefined {
  const type = textOf(identity['type']);
  if (type === undefined) return undefined;
  const name = textOf(identity['userName']);
  const account = textOf(identity['accountId']);
  const principal = textOf(identity['principalId']);
  const known = principal ?? textOf(identity['arn']) ?? name;
  const id = ID_BY_TYPE[type]?.({ account, service: textOf(identity['invokedBy']) }) ?? known;
  return {
    type: snakeCase(type) || 'unknown',
    id: id ?? textOf(identity['invokedBy']) ?? account ?? 'unknown',
    ...(name === undefined ? {} : { name }),
  };
}

/** Services and whole accounts have better names than their principal. */
const ID_BY_TYPE: Readonly<
  Record<
    string,
    (of: { account: string | undefined; service: string | undefined }) => string | undefined
  >
> = {
  AWSService: ({ service }) => service,
  AWSAccount: ({ account }) => account,
  Root: ({ account }) => account,
};

function relatedOf(
  identity: JsonObject,
  session: JsonObject,
  issuer: Party | undefined,
  actor: Party,
): readonly RelatedParty[] {
  const related: RelatedParty[] = [];
  const behalf = (type: string, id: string | undefined, name?: string): void => {
    if (id === undefined) return;
    related.push({ role: 'on_behalf_of', type, id, ...(name === undefined ? {} : { name }) });
  };
  const person = objectOf(identity['onBehalfOf']);
  behalf('identity_center_user', textOf(person['userId']));
  behalf('source_identity', textOf(session['sourceIdentity']));
  if (issuer !== undefined) behalf(issuer.type, issuer.id, issuer.name);
  const service = textOf(identity['invokedBy']);
  if (service !== undefined && service !== actor.id) {
    related.push({ role: 'via', type: 'aws_service', id: service });
  }
  const web = objectOf(session['webIdFederationData']);
  const provider = textOf(identity['identityProvider']) ?? textOf(web['federatedProvider']);
  if (provider !== undefined) {
    related.push({ role: 'identity_provider', type: 'identity_provider', id: provider });
  }
  return related;
}
