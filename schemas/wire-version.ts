/** The version of the wire row that this package writes. */
export const WIRE_VERSION = 1;
