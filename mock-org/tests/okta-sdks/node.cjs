// Okta's own Node SDK against the org in a box. `.ci/okta-sdks` runs this.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { createInterface } = require('node:readline');
const { test, before, after } = require('node:test');
const okta = require('@okta/okta-sdk-nodejs');

const program = process.env.OKTA_MOCK_ORG;
const keys = process.env.OKTA_MOCK_KEYS;
const key = readFileSync(`${keys}/rsa-pkcs1.pem`, 'utf8');

let child, org;

before(async () => {
  const apps = ['--service-app', `0oaDpop=${keys}/rsa-public-pkcs1.pem`];
  child = spawn(program, ['--users', '3', ...apps], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  org = JSON.parse(line);
});

// Its standard input ends, and so does the program.
after(() => child.stdin.end());

async function control(verb, body = {}) {
  const response = await fetch(`${org.url}/mock/${verb}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const result = await response.json();
  assert.equal(response.status, 200, JSON.stringify(result));
  return result;
}

function client(settings) {
  return new okta.Client({ orgUrl: org.url, ...settings });
}

const admin = () => client({ token: org.api_token });

function serviceApp(clientId) {
  return client({
    authorizationMode: 'PrivateKey',
    clientId,
    scopes: ['okta.users.manage'],
    privateKey: key,
  });
}

/** A user with two sessions, tokens and devices. */
async function user(user_id, login) {
  await control('add_user', {
    user_id,
    login,
    sessions: 2,
    refresh_tokens: 1,
    remembered_devices: 1,
  });
}

const state = async (user_id) => (await control('user', { user_id })).user;

async function refused(call, status, errorCode) {
  await assert.rejects(call, (error) => {
    assert.equal(error.status, status, String(error));
    assert.equal(error.errorCode, errorCode, String(error));
    return true;
  });
}

test('revokes by id and by login', async () => {
  await user('00uNode1', 'one@example.com');
  await admin().userApi.revokeUserSessions({ userId: '00uNode1' });
  assert.equal((await state('00uNode1')).sessions, 0);

  await user('00uNode1', 'one@example.com');
  await admin().userApi.revokeUserSessions({ userId: 'one@example.com' });
  assert.equal((await state('00uNode1')).sessions, 0);
});

test('sends the options that are set', async () => {
  await user('00uNode2');
  await admin().userApi.revokeUserSessions({
    userId: '00uNode2',
    oauthTokens: true,
    forgetDevices: false,
  });
  const { sessions, refresh_tokens, remembered_devices } = await state('00uNode2');
  assert.deepEqual([sessions, refresh_tokens, remembered_devices], [0, 0, 1]);
});

test('gets the errors of Okta', async () => {
  const unknown = admin().userApi.revokeUserSessions({ userId: '00uNobody' });
  await refused(unknown, 404, 'E0000007');

  await user('00uNode3');
  const without = client({ token: 'wrong' });
  await refused(without.userApi.revokeUserSessions({ userId: '00uNode3' }), 401, 'E0000011');

  await control('deactivate_user', { user_id: '00uNode3' });
  await refused(admin().userApi.revokeUserSessions({ userId: '00uNode3' }), 403, 'E0000038');
  assert.equal((await state('00uNode3')).sessions, 2);
});

test('waits for the end of a spent window', async () => {
  await user('00uNode4');
  await control('set_rate_limit', { requests: 1, window: 1 });
  await control('spend', { requests: 1 });
  await control('clear_requests');
  await admin().userApi.revokeUserSessions({ userId: '00uNode4' });
  const statuses = (await control('requests')).requests.map((request) => request.status);
  assert.deepEqual(statuses, [429, 204]);
  await control('set_rate_limit', { requests: 600, window: 60 });
});

test('is a service app, with and without DPoP', async () => {
  const pem = readFileSync(`${keys}/rsa-public-pkcs1.pem`, 'utf8');
  await control('add_service_app', { client_id: '0oaBearer', public_keys: [pem], dpop: 'off' });
  for (const [app, scheme] of [['0oaDpop', 'DPoP'], ['0oaBearer', 'Bearer']]) {
    await user('00uNode5');
    await control('clear_requests');
    await serviceApp(app).userApi.revokeUserSessions({ userId: '00uNode5' });
    assert.equal((await state('00uNode5')).sessions, 0, app);
    const last = (await control('requests')).requests.at(-1);
    const [, authorization] = last.headers.find(([name]) => name === 'authorization');
    assert.equal(authorization.split(' ')[0], scheme);
  }
});

test('reads what revoking changed', async () => {
  await user('00uNode6', 'six@example.com');
  await admin().userApi.revokeUserSessions({ userId: '00uNode6' });

  const found = await admin().userApi.getUser({ userId: '00uNode6' });
  assert.deepEqual([found.status, found.profile.login], ['ACTIVE', 'six@example.com']);

  const events = [];
  const filter = 'eventType eq "user.session.clear" and target.id eq "00uNode6"';
  const log = await admin().systemLogApi.listLogEvents({ filter, limit: 1 });
  await log.each((event) => events.push(event));
  assert.equal(events.length, 1);
  assert.equal(events[0].target[0].alternateId, 'six@example.com');
  assert.equal(events[0].actor.type, 'User');
  assert.ok(events[0].published instanceof Date);
});

test('pages through the log', async () => {
  await user('00uNode7');
  for (let n = 0; n < 5; n += 1) {
    await admin().userApi.revokeUserSessions({ userId: '00uNode7' });
  }
  const ids = new Set();
  const log = await admin().systemLogApi.listLogEvents({ filter: 'target.id eq "00uNode7"', limit: 2 });
  await log.each((event) => ids.add(event.uuid));
  assert.equal(ids.size, 5);
});

test('a session ends for its cookie', async () => {
  const { id, cookie } = org.users[0];
  const session = () => fetch(`${org.url}/api/v1/sessions/me`, { headers: { cookie: `idx=${cookie}` } });
  assert.equal((await (await session()).json()).userId, id);
  await admin().userApi.revokeUserSessions({ userId: id });
  assert.equal((await session()).status, 404);
});
