import { hostname } from 'node:os';
import kafkajs from 'kafkajs';

const { AssignerProtocol, Kafka, logLevel } = kafkajs;

/** How many messages a topic of plain messages holds. */
export async function messagesOf(brokers: readonly string[], topic: string): Promise<number> {
  return asking(brokers, async (admin) => {
    const partitions = await admin.fetchTopicOffsets(topic);
    return partitions.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  });
}

/** Which partitions each worker of this machine owns, by its process id. */
export async function owners(
  brokers: readonly string[],
  group: string,
): Promise<Map<number, readonly number[]>> {
  const prefix = `ledgerline-worker-${hostname()}-`;
  return asking(brokers, async (admin) => {
    const { groups } = await admin.describeGroups([group]);
    const members = groups[0]?.state === 'Stable' ? groups[0].members : [];
    return new Map(
      members
        .filter(({ clientId }) => clientId.startsWith(prefix))
        .map(({ clientId, memberAssignment }) => {
          const decoded = AssignerProtocol.MemberAssignment.decode(memberAssignment);
          const partitions = Object.values(decoded?.assignment ?? {}).flat();
          return [Number(clientId.slice(prefix.length)), partitions];
        }),
    );
  });
}

async function asking<T>(
  brokers: readonly string[],
  ask: (admin: kafkajs.Admin) => Promise<T>,
): Promise<T> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}
