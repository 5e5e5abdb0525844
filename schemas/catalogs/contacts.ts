import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { category } from '../category.ts';
import { event } from '../event-type.ts';

const name = z.string().min(1);
const count = z.int().min(0);

const contact = category('contact', {
  label: 'Contact',
  icon: 'contact-round',
  events: {
    'contact.created': event({
      operation: 'create',
      label: 'Contact created',
      target: 'contact',
      data: z.strictObject({ origin: z.string().optional() }),
    }),
    'contact.viewed': event({ operation: 'read', label: 'Contact viewed', target: 'contact' }),
    /** Which fields changed, and from what to what, is in the event's changes. */
    'contact.updated': event({
      operation: 'update',
      label: 'Contact updated',
      target: 'contact',
      data: z.strictObject({ origin: z.string().optional() }),
    }),
    'contact.deleted': event({
      operation: 'delete',
      label: 'Contact deleted',
      target: 'contact',
      severity: 'low',
    }),
    /** The target stays; those that went into it are named. */
    'contact.merged': event({
      operation: 'update',
      label: 'Contacts merged',
      target: 'contact',
      data: z.strictObject({ mergedIds: z.array(name).min(1) }),
    }),
    'contact.list.imported': event({
      operation: 'create',
      label: 'Contacts imported',
      severity: 'low',
      data: z.strictObject({
        source: name,
        created: count,
        updated: count,
        rejected: count.optional(),
      }),
    }),
    'contact.list.exported': event({
      operation: 'export',
      label: 'Contacts exported',
      severity: 'medium',
      data: z.strictObject({ format: name, count, filter: z.string().optional() }),
    }),
  },
});

/** A contact platform: who changed which field of whom, and who took contacts out. */
export const contacts = defineCatalog(contact);
