import { describe, expect, it } from 'vitest';
import { contactFailure } from '../../schemas/kafka-contact.ts';

/** As kafkajs throws: its own error, in one that says how often it has tried. */
function thrown(message: string, more: { name?: string; type?: string } = {}): Error {
  const cause = Object.assign(new Error(message), more);
  return Object.assign(new Error(message, { cause }), { name: 'KafkaJSNumberOfRetriesExceeded' });
}

const brokers = ['kafka:9092'];
const tls = { ssl: true };
const sasl = { sasl: { mechanism: 'plain' } };

describe('why there is no contact with Kafka (R-DLV-06)', () => {
  it.each([
    [
      'a host that nobody knows',
      thrown('Connection error: getaddrinfo ENOTFOUND kafka'),
      {},
      /no host of that name \(ENOTFOUND\)/,
      /^Start it, or set LEDGERLINE_KAFKA_BROKERS/,
    ],
    [
      'a closed port',
      thrown('Connection error: connect ECONNREFUSED 127.0.0.1:9'),
      {},
      /nothing listens there \(ECONNREFUSED\)/,
      /^Start it/,
    ],
    [
      'a port that is silent',
      new Error('no answer within 6500 ms'),
      {},
      /takes connections and does not answer: no answer within 6500 ms\./,
      /LEDGERLINE_KAFKA_TLS/,
    ],
    [
      'plain, to a listener that wants TLS or a login',
      thrown('Closed connection'),
      {},
      /wants TLS or a login/,
      /LEDGERLINE_KAFKA_TLS=true or LEDGERLINE_KAFKA_SASL_MECHANISM/,
    ],
    [
      'a login without TLS, to a listener that wants TLS',
      thrown('Closed connection'),
      sasl,
      /wants TLS\.$/,
      /^Set LEDGERLINE_KAFKA_TLS=true as/,
    ],
    [
      'TLS without a login, to a listener that wants one',
      thrown('Closed connection'),
      tls,
      /wants a login\.$/,
      /^Set LEDGERLINE_KAFKA_SASL_MECHANISM as/,
    ],
    [
      'TLS to a plain listener',
      thrown('Client network socket disconnected before secure TLS connection was established'),
      tls,
      /does not speak TLS on this port/,
      /LEDGERLINE_KAFKA_TLS=false/,
    ],
    [
      'a login at a plain listener',
      thrown('Request is not valid given the current SASL state', { type: 'ILLEGAL_SASL_STATE' }),
      sasl,
      /takes no login on this port/,
      /leave LEDGERLINE_KAFKA_SASL_MECHANISM out/,
    ],
    [
      'no certificate of ours',
      thrown('ssl3_read_bytes:sslv3 alert bad certificate:rec_layer_s3.c:1601:SSL alert number 42'),
      tls,
      /does not accept our certificate, or wants one/,
      /LEDGERLINE_KAFKA_TLS_CERT_FILE/,
    ],
    [
      'an authority that is not ours',
      thrown('Connection error: self-signed certificate in certificate chain'),
      tls,
      /a certificate that is not trusted/,
      /LEDGERLINE_KAFKA_TLS_CA_FILE/,
    ],
    [
      'no coordinator',
      thrown('Failed to find group coordinator', { name: 'KafkaJSGroupCoordinatorNotFound' }),
      {},
      /no coordinator for the group yet/,
      /__consumer_offsets/,
    ],
    [
      'something that is not Kafka',
      new TypeError("Cannot destructure property 'brokers' of 'undefined'"),
      {},
      /answers what is not understood/,
      /whether it is Kafka that listens there/,
    ],
  ])('%s', (_, error, security, says, wayOut) => {
    const failure = contactFailure(error, { brokers, ...security });
    expect(failure).toMatchObject({ refused: false });
    expect(failure?.message).toMatch(says);
    expect(failure?.message).toContain('kafka:9092');
    expect(failure?.message).not.toMatch(/Connection error|ssl3|destructure/);
    expect(failure?.hint).toMatch(wayOut);
  });

  it.each([
    ['the user or password', { name: 'KafkaJSSASLAuthenticationError' }, /user or password/],
    ['the kind of login', { type: 'UNSUPPORTED_SASL_MECHANISM' }, /this kind of login/],
  ])('is no use trying again where %s is refused', (_, more, says) => {
    const failure = contactFailure(thrown('no', more), { brokers, ...sasl });
    expect(failure).toMatchObject({ refused: true });
    expect(failure?.message).toMatch(says);
  });

  it('says nothing of what a broker answers to a single request', () => {
    expect(contactFailure(thrown('x', { type: 'MESSAGE_TOO_LARGE' }), { brokers })).toBeUndefined();
  });
});
