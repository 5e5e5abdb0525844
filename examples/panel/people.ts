/** Who may use this service, and for what. A real one would ask its identity provider. */
export const ROLES = ['admin', 'developer', 'support', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

export interface Person {
  readonly id: string;
  readonly name: string;
  role: Role;
}

const MAY = {
  'servers:write': ['admin', 'developer'],
  'servers:delete': ['admin'],
  'apps:write': ['admin', 'developer'],
  'secrets:read': ['admin', 'developer'],
  'keys:write': ['admin', 'developer'],
  'contacts:write': ['admin', 'support'],
  'contacts:export': ['admin'],
  'tools:write': ['admin'],
  'tools:invoke': ['admin', 'developer', 'support', 'viewer'],
  'tools:invoke-restricted': ['admin'],
  'backups:run': ['admin', 'developer'],
  'team:write': ['admin'],
  'tokens:write': ['admin', 'developer'],
} as const satisfies Readonly<Record<string, readonly Role[]>>;
export type Permission = keyof typeof MAY;

export const mayDo = ({ role }: Person, permission: Permission): boolean =>
  (MAY[permission] as readonly Role[]).includes(role);

/** The people a new service knows. */
export const firstPeople = (): Person[] => [
  { id: 'u_1', name: 'Ada', role: 'admin' },
  { id: 'u_2', name: 'Grace', role: 'admin' },
  { id: 'u_3', name: 'Alan', role: 'developer' },
  { id: 'u_4', name: 'Barbara', role: 'developer' },
  { id: 'u_5', name: 'Edsger', role: 'developer' },
  { id: 'u_6', name: 'Katherine', role: 'support' },
  { id: 'u_7', name: 'Donald', role: 'support' },
  { id: 'u_8', name: 'Joan', role: 'viewer' },
];
