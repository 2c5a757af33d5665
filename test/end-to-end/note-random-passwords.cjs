/**
 * Loaded into a worker under test: writes down what it draws as an attempt user's password, so that
 * a test can look for it. The one place where such a password can be learned.
 */
const { appendFileSync } = require('node:fs');
const crypto = require('node:crypto');

const { randomBytes } = crypto;
crypto.randomBytes = (size, ...rest) => {
  const drawn = randomBytes(size, ...rest);
  const file = process.env['TEST_PASSWORD_NOTES'];
  if (size === 24 && file)
    appendFileSync(file, `${drawn.toString('base64url')}\n`, { mode: 0o600 });
  return drawn;
};
