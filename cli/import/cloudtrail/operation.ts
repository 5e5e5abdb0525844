import type { Operation } from '../../../schemas/index.ts';

/**
 * What the verbs of AWS's API names do to their target. The first word of an event name decides;
 * adding to and taking from a thing updates it, using a key or a role executes.
 */
const VERBS: Readonly<Record<Exclude<Operation, 'unknown'>, string>> = {
  create:
    'Create Allocate Register Import Copy Clone Restore Launch Insert Issue Purchase Provision Upload Request Initialize',
  read: 'Get List Describe Head Search Lookup Query Scan Check Select View Estimate Preview Count Poll Receive Read Validate Browse Filter Discover Simulate Retrieve Fetch Resolve Is',
  update:
    'Update Put Modify Set Change Add Remove Attach Detach Associate Disassociate Enable Disable Tag Untag Authorize Revoke Grant Edit Replace Reset Rotate Apply Activate Deactivate Move Rename Assign Unassign Accept Reject Decline Merge Resize Configure Promote Upgrade Extend Lock Unlock Suspend Resume Increase Decrease Transfer Share Subscribe Write Upsert Schedule Archive',
  delete:
    'Delete Terminate Deregister Release Destroy Purge Deprovision Unsubscribe Discard Empty Expire Unregister',
  execute:
    'Start Stop Reboot Restart Run Invoke Execute Send Assume Decrypt Encrypt Re Sign Verify Generate Console Switch Exit Exchange Authenticate Initiate Complete Begin End Retry Rollback Deploy Signal Submit Trigger Pause Abort Cancel Login Logout Confirm Leave Join Respond Evaluate Publish Test Connect Disconnect',
  export: 'Export Download',
};

const OPERATION_OF = new Map(
  Object.entries(VERBS).flatMap(([operation, verbs]) =>
    verbs.split(' ').map((verb): [string, Operation] => [verb, operation as Operation]),
  ),
);

/** Names whose first word misleads. */
const EXCEPTIONS = new Map<string, Operation>([
  ['RunInstances', 'create'],
  ['RunScheduledInstances', 'create'],
  ['RequestSpotInstances', 'create'],
  ['CompleteMultipartUpload', 'create'],
  ['CancelKeyDeletion', 'update'],
]);

/** Words that stand before the verb: `BatchGetItem`, `AdminDeleteUser`. */
const PREFIXES = new Set(['Batch', 'Admin', 'Transact']);

/** What AWS's own services report is named after what has happened: `SharedSnapshotVolumeCreated`. */
const PARTICIPLES = new Map<string, Operation>([
  ['Created', 'create'],
  ['Deleted', 'delete'],
  ['Terminated', 'delete'],
  ['Expired', 'delete'],
  ['Updated', 'update'],
  ['Modified', 'update'],
  ['Changed', 'update'],
  ['Rotated', 'update'],
  ['Started', 'execute'],
  ['Stopped', 'execute'],
  ['Completed', 'execute'],
]);

/**
 * What an API call did, from its name's verb and CloudTrail's `readOnly`. Where they disagree,
 * `readOnly` has the say on whether anything was changed: a read-only call never creates, updates
 * or deletes, and a "Get" that is not read-only (`GetFederationToken`) executes. Pure.
 *
 * @example
 * operationOf('PutBucketPolicy', false); // 'update'
 * operationOf('AssumeRole', true); // 'execute'
 */
export function operationOf(eventName: string, readOnly: boolean | undefined): Operation {
  const byName = EXCEPTIONS.get(eventName) ?? byWords(eventName);
  if (readOnly === true) {
    return byName === 'execute' || byName === 'export' ? byName : 'read';
  }
  return readOnly === false && byName === 'read' ? 'execute' : byName;
}

function byWords(eventName: string): Operation {
  const words = eventName.match(/[A-Z][a-z]*|[a-z]+/g) ?? [];
  const first = words[0] !== undefined && PREFIXES.has(words[0]) ? words[1] : words[0];
  const verb = first === undefined ? '' : first.charAt(0).toUpperCase() + first.slice(1);
  return OPERATION_OF.get(verb) ?? PARTICIPLES.get(words.at(-1) ?? '') ?? 'unknown';
}
