import { Command } from 'commander';
import type { ImportOptions } from '../actions/import.ts';
import { tenantId } from '../tenant.ts';

export const importCommand = (): Command =>
  new Command('import')
    .summary('bring audit logs of other systems into the ledger')
    .description(
      `Brings audit logs of other systems into the ledger, with their original times, as retention class
archive. Importing the same record again, also at the same time, stores nothing twice. Bad records
are reported by file and place, the rest goes on, and the exit code is 1.`,
    )
    .addCommand(cloudTrailCommand())
    .addCommand(kubernetesCommand())
    .addCommand(customCommand());

const cloudTrailCommand = (): Command =>
  new Command('cloudtrail')
    .summary('import AWS CloudTrail files')
    .description(
      `Maps every record of CloudTrail files, and of folders of them (.json and .json.gz, recursively),
to an event: type aws.<service>.<EventName>, category cloud, retention class archive. Importing the
same record again, also at the same time, stores nothing twice. Bad records are reported by file and
place, the rest goes on, and the exit code is 1.`,
    )
    .argument('<path...>', 'files and folders')
    .option('--json', 'print the summary as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ aws s3 sync s3://my-trail/AWSLogs ./AWSLogs && ledgerline import cloudtrail ./AWSLogs
  $ ledgerline import cloudtrail 1234_CloudTrail_us-east-1_20230710T1145Z_x.json.gz
  $ ledgerline query "SELECT actor_name, count() FROM audit_events WHERE category = 'cloud' AND outcome = 'denied' GROUP BY 1"`,
    )
    .action(async (paths: string[], options: ImportOptions) => {
      const { runCloudTrail } = await import('../actions/import.ts');
      await runCloudTrail(paths, options);
    });

const kubernetesCommand = (): Command =>
  new Command('kubernetes')
    .summary("import Kubernetes' audit logs")
    .description(
      `Maps every finished request of Kubernetes' audit logs (audit.k8s.io/v1: one event per line, or
EventLists; .json, .jsonl, .ndjson and .log, each also .gz, folders recursively) to an event: type
k8s.<resource>.<verb>, category kubernetes, retention class archive. The contents of secrets are masked.`,
    )
    .argument('<path...>', 'files and folders')
    .option(
      '--tenant <name>',
      "the events' tenant, such as the cluster's name",
      tenantId,
      'default',
    )
    .option('--json', 'print the summary as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline import kubernetes --tenant prod-eu /var/log/kubernetes/audit
  $ ledgerline query "SELECT actor_id, target_id FROM audit_events WHERE event_type = 'k8s.pods.exec.create'"`,
    )
    .action(async (paths: string[], options: ImportOptions) => {
      const { runKubernetes } = await import('../actions/import.ts');
      await runKubernetes(paths, options);
    });

const customCommand = (): Command =>
  new Command('custom')
    .summary('import logs of any system, with a mapping of your own')
    .description(
      `Maps every record of JSON files (one record per line, a list, or a document) by the module that
--mapping names: its default export says what a record is as an event. docs/import.md shows one.`,
    )
    .argument('<path...>', 'files and folders')
    .requiredOption('--mapping <file>', 'an ES module whose default export is the mapping')
    .option('--tenant <name>', 'the tenant of events that name none of their own', tenantId)
    .option('--json', 'print the summary as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline import custom --mapping ./door-locks.mjs ./door-logs
  $ zcat old.json.gz | ledgerline import custom --mapping ./door-locks.mjs /dev/stdin`,
    )
    .action(async (paths: string[], options: ImportOptions & { readonly mapping: string }) => {
      const { runCustom } = await import('../actions/import.ts');
      await runCustom(paths, options);
    });
