import type { Detector } from '../detection/detector.ts';
import { actorVolume } from './actor-volume.ts';
import { denialBurst } from './denial-burst.ts';
import { dormantActor } from './dormant-actor.ts';
import { massDeletion } from './mass-deletion.ts';
import { massExport } from './mass-export.ts';
import { newAction } from './new-action.ts';
import { newAddress } from './new-address.ts';
import { protectedChange } from './protected-change.ts';
import { sequenceGap } from './sequence-gap.ts';
import { serviceSilence } from './service-silence.ts';
import { typeVolume } from './type-volume.ts';
import { unusualHour } from './unusual-hour.ts';

/** The detectors that ship with the ledger; docs/detection.md describes them. */
export const DETECTORS: readonly Detector[] = [
  actorVolume,
  typeVolume,
  newAction,
  newAddress,
  unusualHour,
  denialBurst,
  massDeletion,
  massExport,
  dormantActor,
  protectedChange,
  sequenceGap,
  serviceSilence,
];
