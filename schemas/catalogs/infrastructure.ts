import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { category } from '../category.ts';
import { event } from '../event-type.ts';
import { sensitive } from '../sensitive.ts';

const name = z.string().min(1);
const keyName = z.strictObject({ key: name });
const fingerprint = z.strictObject({ fingerprint: name, algorithm: z.string().optional() });
/** That a variable changed is told, what it holds is not: half of them are secrets. */
const variable = z.looseObject({ value: sensitive(z.string(), 'mask') });
const duration = z.number().min(0);

const app = category('app', {
  label: 'App',
  icon: 'box',
  events: {
    'app.created': event({ operation: 'create', label: 'App created', target: 'app' }),
    'app.updated': event({ operation: 'update', label: 'App settings changed', target: 'app' }),
    'app.deleted': event({
      operation: 'delete',
      label: 'App deleted',
      target: 'app',
      severity: 'medium',
    }),
    'app.restarted': event({ operation: 'execute', label: 'App restarted', target: 'app' }),
    'app.scaled': event({
      operation: 'update',
      label: 'App scaled',
      target: 'app',
      data: z.strictObject({ process: name, from: z.int().min(0), to: z.int().min(0) }),
    }),
    'app.command.run': event({
      operation: 'execute',
      label: 'Command run in app',
      target: 'app',
      severity: 'low',
    }),
    'app.env_var.created': event({
      operation: 'create',
      label: 'Environment variable created',
      target: 'env_var',
      data: keyName,
      record: variable,
    }),
    'app.env_var.updated': event({
      operation: 'update',
      label: 'Environment variable updated',
      target: 'env_var',
      data: keyName,
      record: variable,
    }),
    'app.env_var.deleted': event({
      operation: 'delete',
      label: 'Environment variable deleted',
      target: 'env_var',
      data: keyName,
      record: variable,
    }),
    'app.env_var.revealed': event({
      operation: 'read',
      label: 'Environment variable revealed',
      target: 'env_var',
      severity: 'low',
      data: keyName,
      record: variable,
    }),
    'app.deploy_key.added': event({
      operation: 'create',
      label: 'Deploy key added',
      target: 'deploy_key',
      severity: 'low',
      data: fingerprint,
    }),
    'app.deploy_key.rotated': event({
      operation: 'update',
      label: 'Deploy key rotated',
      target: 'deploy_key',
      data: fingerprint,
    }),
    'app.deploy_key.removed': event({
      operation: 'delete',
      label: 'Deploy key removed',
      target: 'deploy_key',
      data: fingerprint,
    }),
  },
});

const deployment = category('deployment', {
  label: 'Deployment',
  icon: 'rocket',
  events: {
    'deployment.started': event({
      operation: 'execute',
      label: 'Deployment started',
      target: 'deployment',
      data: z.strictObject({ revision: name, branch: z.string().optional() }),
    }),
    'deployment.finished': event({
      operation: 'execute',
      label: 'Deployment finished',
      target: 'deployment',
      data: z.strictObject({ revision: name, durationMs: duration }),
    }),
    'deployment.rolled_back': event({
      operation: 'execute',
      label: 'Deployment rolled back',
      target: 'deployment',
      severity: 'medium',
      data: z.strictObject({ revision: name, toRevision: name }),
    }),
  },
});

const server = category('server', {
  label: 'Server',
  icon: 'server',
  freeForm: true,
  events: {
    'server.created': event({
      operation: 'create',
      label: 'Server created',
      target: 'server',
      data: z.strictObject({ region: z.string().optional(), size: z.string().optional() }),
    }),
    'server.updated': event({ operation: 'update', label: 'Server changed', target: 'server' }),
    'server.deleted': event({
      operation: 'delete',
      label: 'Server deleted',
      target: 'server',
      severity: 'medium',
    }),
    'server.rebooted': event({ operation: 'execute', label: 'Server rebooted', target: 'server' }),
    'server.command.run': event({
      operation: 'execute',
      label: 'Command run on server',
      target: 'server',
      severity: 'low',
    }),
    'server.ssh_key.added': event({
      operation: 'create',
      label: 'SSH key added',
      target: 'ssh_key',
      severity: 'medium',
      data: fingerprint,
    }),
    'server.ssh_key.removed': event({
      operation: 'delete',
      label: 'SSH key removed',
      target: 'ssh_key',
      severity: 'low',
      data: fingerprint,
    }),
  },
});

const domain = category('domain', {
  label: 'Domain',
  icon: 'globe',
  events: {
    'domain.added': event({ operation: 'create', label: 'Domain added', target: 'domain' }),
    'domain.verified': event({ operation: 'update', label: 'Domain verified', target: 'domain' }),
    'domain.removed': event({ operation: 'delete', label: 'Domain removed', target: 'domain' }),
    'domain.certificate.issued': event({
      operation: 'create',
      label: 'Certificate issued',
      target: 'domain',
      data: z.strictObject({ issuer: name, expiresAt: z.iso.datetime() }),
    }),
  },
});

const backup = category('backup', {
  label: 'Backup',
  icon: 'archive',
  events: {
    'backup.created': event({
      operation: 'create',
      label: 'Backup created',
      target: 'backup',
      data: z.strictObject({ bytes: z.int().min(0), durationMs: duration.optional() }),
    }),
    'backup.restored': event({
      operation: 'execute',
      label: 'Backup restored',
      target: 'backup',
      severity: 'medium',
    }),
    'backup.downloaded': event({
      operation: 'export',
      label: 'Backup downloaded',
      target: 'backup',
      severity: 'medium',
    }),
    'backup.deleted': event({
      operation: 'delete',
      label: 'Backup deleted',
      target: 'backup',
      severity: 'medium',
    }),
  },
});

const role = z.strictObject({ role: name });

const team = category('team', {
  label: 'Team',
  icon: 'users',
  events: {
    'team.member.invited': event({
      operation: 'create',
      label: 'Team member invited',
      target: 'team_member',
      data: role,
    }),
    'team.member.joined': event({
      operation: 'create',
      label: 'Team member joined',
      target: 'team_member',
      data: role,
    }),
    'team.member.role_changed': event({
      operation: 'update',
      label: 'Team member’s role changed',
      target: 'team_member',
      severity: 'low',
      data: z.strictObject({ from: name, to: name }),
    }),
    'team.member.removed': event({
      operation: 'delete',
      label: 'Team member removed',
      target: 'team_member',
      severity: 'low',
    }),
  },
});

/**
 * Servers and apps, as a control panel has them: app (with its environment variables and deploy
 * keys), deployment, server (with its SSH keys; free-form), domain, backup and team.
 */
export const infrastructure = defineCatalog(app, deployment, server, domain, backup, team);
