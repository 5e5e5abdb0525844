import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskCommand } from '../../../producers/redaction/mask-command.ts';
import { maskText } from '../../../producers/redaction/mask-text.ts';
import { SecretNames } from '../../../producers/redaction/secret-names.ts';

const SECRET = 'hunter2-CANARY/9';

describe('secret names', () => {
  const names = new SecretNames();
  test.each([
    'password',
    'PASSWORD',
    'dbPassword',
    'DB_PASSWORD',
    'pgpassword',
    'x-api-key',
    'apiKey',
    'Authorization',
    'http.request.header.authorization',
    'set-cookie',
    'clientSecret',
    'AWS_SECRET_ACCESS_KEY',
    'private_key',
    'DB_PASS',
    'userPin',
    'refresh_token',
  ])('%s is one', (name) => expect(names.has(name)).toBe(true));

  test.each([
    'compass',
    'token_count',
    'max_tokens',
    'key',
    'keyboard',
    'shipping',
    'author',
    'hotpin_',
    '',
  ])('%s is none', (name) => expect(names.has(name)).toBe(false));

  test('the list can be added to and taken from', () => {
    const own = new SecretNames({ add: ['national_id', 'pan'], remove: ['TOKEN', 'cookie'] });
    expect(['nationalId', 'card_pan', 'password'].map((name) => own.has(name))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['access_token', 'cookie', 'japan'].map((name) => own.has(name))).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('R-EDGE-09: text', () => {
  test.each([
    [`postgres://app:${'p%40ss'}@db:5432/shop`, 'postgres://app:[masked]@db:5432/shop'],
    ['redis://:s3cret@cache', 'redis://:[masked]@cache'],
    ['https://ghp_0123@github.com/x.git', 'https://[masked]@github.com/x.git'],
    ['ssh://git@host/x.git', 'ssh://git@host/x.git'],
    ['https://ada@b:c@host/', 'https://[masked]@host/'],
    ['mail ada@example.com at 10:30', 'mail ada@example.com at 10:30'],
    ['PASSWORD=x y', 'PASSWORD=[masked] y'],
    ['a=1&api_key=x&b=2', 'a=1&api_key=[masked]&b=2'],
    ['{"password":"a \\" b","n":1}', '{"password":"[masked]","n":1}'],
    ['"{\\"token\\":\\"abc\\"}"', '"{\\"token\\":\\"[masked]\\"}"'],
    ['password: hunter2', 'password: [masked]'],
    ['{"pin": 1234, "a": 1}', '{"pin": "[masked]", "a": 1}'],
    [`password='a\\`, `password='[masked]'`],
    [`password="a\\\nb`, `password="[masked]"`],
    ['password=[masked]x', 'password=[masked]'],
    [`PASSWORD='hun''ter' x`, `PASSWORD='[masked]' x`],
    ['at https://x/?a=1&access_token=x#y', 'at https://x/?a=1&access_token=[masked]'],
    ['url=https://x/?secret=y', 'url=https://x/?secret=[masked]'],
    ['--verbose --level 3 token=x', '--verbose --level 3 token=[masked]'],
    ['run --token abc --port 80', 'run --token [masked] --port 80'],
    ['run --token=abc', 'run --token=[masked]'],
    ['Authorization: Bearer abc.def', 'Authorization: [masked]'],
    ['Cookie: a=1; b=2\nHost: x', 'Cookie: [masked]\nHost: x'],
    ['Cookie: a=1; b="c; d', 'Cookie: [masked]'],
    ['Cookie: a="b c"; d=\'e', 'Cookie: [masked]'],
    ['{"pin": [masked], "a": 1}', '{"pin": "[masked]", "a": 1}'],
    ['got bearer abcdefgh123', 'got bearer [masked]'],
    ['basic authentication failed', 'basic authentication failed'],
    ['Basic dXNlcjpwYXNz', 'Basic [masked]'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----.', '[masked].'],
    ['-----BEGIN PRIVATE KEY-----\nMII cut', '[masked]'],
    ['jwt eyJhbGciOi.eyJzdWIiOi.abc', 'jwt [masked]'],
    ['nothing to see', 'nothing to see'],
  ])('%s', (text, masked) => expect(maskText(text)).toBe(masked));

  test.each(['a://', 'https://a:', '"', 'password="', '--a ', 'eyJ', '-----BEGIN '])(
    'takes time in proportion to the text, whatever follows %s',
    (begin) => {
      for (const filling of ['b', '"', ' ', ':', '\\', begin]) {
        const startedMs = performance.now();
        maskText(`${begin}${filling.repeat(100_000 / filling.length)}`);
        // Milliseconds; where it grows with the square, ten seconds.
        expect(performance.now() - startedMs).toBeLessThan(1_000);
      }
    },
  );

  test('known values are found as they are, in JSON, and in URLs', () => {
    const secret = 'a"b/c d';
    const text = `1 ${secret} 2 ${JSON.stringify({ x: secret })} 3 ?q=${encodeURIComponent(secret)}`;
    expect(maskText(text, { secrets: [secret, 'abc', ''] })).toBe(
      '1 [masked] 2 {"x":"[masked]"} 3 ?q=[masked]',
    );
  });

  test('masking twice is masking once, and a known secret never survives', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ minLength: 4, maxLength: 12 }),
        fc.string(),
        (a, s, b) => {
          const once = maskText(`${a}${s}${b}`, { secrets: [s] });
          fc.pre(!'[masked]'.includes(s));
          expect(once.replaceAll('[masked]', '\0')).not.toContain(s);
          expect(maskText(once)).toBe(maskText(maskText(once)));
        },
      ),
    );
  });

  test('hostile texts take no more than their length', () => {
    for (const piece of ['a.', '://', 'a:', '"', '--a ', 'a=\\"', 'x://a:', 'eyJ', "'", '=']) {
      const text = piece.repeat(Math.floor(200_000 / piece.length));
      const start = performance.now();
      maskText(text);
      expect([piece, performance.now() - start < 2_000]).toEqual([piece, true]);
    }
  });
});

describe('R-REC-04: command lines', () => {
  test.each<[string, string[], string[]]>([
    ['psql', ['--password', SECRET, '-p', '5432'], ['--password', '[masked]', '-p', '5432']],
    ['deploy', [`--token=${SECRET}`, '--dry-run'], ['--token=[masked]', '--dry-run']],
    ['/usr/bin/mysql', ['-uapp', `-p${SECRET}`], ['-uapp', '-p[masked]']],
    ['sshpass', ['-p', SECRET, 'ssh', 'h'], ['-p', '[masked]', 'ssh', 'h']],
    ['docker', ['login', '-u', 'ada', '-p', SECRET], ['login', '-u', 'ada', '-p', '[masked]']],
    ['docker', ['run', '-p', '80:80'], ['run', '-p', '80:80']],
    ['curl', ['-u', `ada:${SECRET}`, 'https://x'], ['-u', 'ada:[masked]', 'https://x']],
    ['curl', ['-H', `Authorization: Bearer ${SECRET}`], ['-H', 'Authorization: [masked]']],
    ['env', [`API_KEY=${SECRET}`, 'run'], ['API_KEY=[masked]', 'run']],
    [
      'sh',
      ['-c', `export DB_PASSWORD='${SECRET}'; run`],
      ['-c', "export DB_PASSWORD='[masked]'; run"],
    ],
    [
      'psql',
      [`postgres://app:${encodeURIComponent(SECRET)}@db/x`],
      ['postgres://app:[masked]@db/x'],
    ],
  ])('%s %j', (command, args, masked) => {
    expect(maskCommand(command, args)).toEqual({ command, args: masked });
  });

  test('the arguments that the caller knows to be secret', () => {
    expect(maskCommand('x', ['y', `a${SECRET}b`], { secrets: [SECRET] }).args).toEqual([
      'y',
      'a[masked]b',
    ]);
  });
});

describe('R-EDGE-09: secrets in the shapes that texts give them', () => {
  test.each([
    ['java -password hunter2 run', 'java -password [masked] run'],
    ['2fa_secret=hunter2', '2fa_secret=[masked]'],
    ['user[password]=hunter2&a=1', 'user[password]=[masked]&a=1'],
    ['user%5Bpin%5D=4711&a=1', 'user%5Bpin%5D=[masked]&a=1'],
    ['Cookie: a=1; sid="hunter2"; b=2', 'Cookie: [masked]'],
    [`curl -H 'Cookie: sid="hunter2"' x`, "curl -H 'Cookie: [masked]' x"],
    ['{"backup_codes":["hunter2","4711"],"a":1}', '{"backup_codes":"[masked]","a":1}'],
    [
      String.raw`{\"password\":\"hunt\\ner2\",\"a\":1}`,
      String.raw`{\"password\":\"[masked]\",\"a\":1}`,
    ],
    [
      String.raw`{\"password\":\"hunt\\\"er2\",\"a\":1}`,
      String.raw`{\"password\":\"[masked]\",\"a\":1}`,
    ],
    [`x-eyJhbGci.eyJzdWIi.c2ln`, 'x-[masked]'],
  ])('%s', (text, masked) => {
    expect(maskText(text)).toBe(masked);
    expect(maskText(masked)).toBe(masked);
  });

  test('names as forms and callers write them', () => {
    const names = new SecretNames();
    const secret = ['user[password]', 'user[pin]', 'password[]', 'password?', '$token', '{otp}'];
    expect(secret.filter((name) => !names.has(name))).toEqual([]);
    expect(
      ['user[name]', '[]', 'compass', 'token[count]'].filter((name) => names.has(name)),
    ).toEqual([]);
  });

  test('heads of tokens without end, and a program that is none, take no more than their length', () => {
    const start = performance.now();
    maskText('eyJaaaa-'.repeat(20_000));
    maskCommand(`${'a'.repeat(100_000)}/`, []);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});
