import { Command } from 'commander';
import { WIRE_VERSION } from '../../schemas/wire-version.ts';
import { packageVersion } from '../package-version.ts';
import { print } from '../terminal.ts';

export const versionCommand = (): Command =>
  new Command('version')
    .summary('print the version')
    .description('Prints the version of Ledgerline, of the wire row it writes, and of Node.')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExamples:\n  $ ledgerline version\n  $ ledgerline version --json')
    .action(({ json }: { readonly json?: true }) => {
      const versions = {
        ledgerline: packageVersion(),
        wire: WIRE_VERSION,
        node: process.versions.node,
      };
      print(
        json
          ? JSON.stringify(versions)
          : `ledgerline ${versions.ledgerline} (wire version ${versions.wire}, Node ${versions.node})`,
      );
    });
