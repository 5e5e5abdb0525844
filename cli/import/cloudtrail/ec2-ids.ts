/** EC2 puts the kind of a resource in front of its id. */
const KINDS = new Map([
  ['i', 'instance'],
  ['ami', 'image'],
  ['vol', 'volume'],
  ['snap', 'snapshot'],
  ['vpc', 'vpc'],
  ['subnet', 'subnet'],
  ['sg', 'security_group'],
  ['eni', 'network_interface'],
  ['rtb', 'route_table'],
  ['acl', 'network_acl'],
  ['igw', 'internet_gateway'],
  ['nat', 'nat_gateway'],
  ['eipalloc', 'address'],
  ['fl', 'flow_log'],
  ['lt', 'launch_template'],
  ['vpce', 'vpc_endpoint'],
  ['tgw', 'transit_gateway'],
]);

/** `ec2_volume` for "vol-0fc2e34e74650e145"; `undefined` for what is no EC2 id. Pure. */
export function ec2TypeOf(id: string): string | undefined {
  const prefix = /^([a-z]+)-[0-9a-z]{8,17}$/.exec(id)?.[1];
  const kind = prefix === undefined ? undefined : KINDS.get(prefix);
  return kind === undefined ? undefined : `ec2_${kind}`;
}
