// Loads Node packages, many in one process; what fails there or gets no answer is tried alone. Standard input: a JSON object
// {"names": [directories], "jobs": n, "timeout": seconds, "alone": bool}. Answers are lines of JSON: [directory, mark, why].
// An ES module is loaded with import(), and each subpath that a package exports by name must lead to a file.
const fs = require('fs'), path = require('path'), {spawn} = require('child_process');

// What an export stands for, by Node's own conditions.
function target(e) {
  if (typeof e === 'string') return e;
  const all = Array.isArray(e) ? e : e && typeof e === 'object' ? ['node', 'require', 'import', 'default'].map(k => e[k]) : [];
  for (const one of all) { const found = one && target(one); if (found) return found; }
  return null;
}

const line = e => `${e && e.code || ''} ${String(e && e.message || e).split('\n')[0].slice(0, 200)}`.trim();

async function load(dir) {
  const at = dir.lastIndexOf('/node_modules/'), name = at < 0 ? null : dir.slice(at + 14);
  const require = module.require('module').createRequire(path.join(at < 0 ? dir : dir.slice(0, at), 'x.js'));
  const about = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8')), all = about.exports;
  try { require(name || dir); } catch (e) {
    const other = ['ERR_REQUIRE_ESM', 'ERR_PACKAGE_PATH_NOT_EXPORTED'].includes(e && e.code)
      || /ES module|import statement|Unexpected token 'export'/.test(String(e && e.message));
    if (!other) return ['', line(e)];
    const main = all && typeof all === 'object' && !Array.isArray(all) && all['.'] ? all['.'] : all;
    const file = path.join(dir, target(main) || about.module || about.main || 'index.js');
    try { await import(module.require('url').pathToFileURL(file).href); } catch (f) { return ['', line(f)]; }
  }
  const lost = [];
  if (name && all && typeof all === 'object') for (const key of Object.keys(all)) {
    if (!key.startsWith('./') || key.includes('*') || key.endsWith('/')) continue;
    let there = false;
    try { there = fs.existsSync(require.resolve(name + key.slice(1))); } catch (e) {
      const file = target(all[key]);
      there = e.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' && file !== null && fs.existsSync(path.join(dir, file));
    }
    if (!there) lost.push(key);
  }
  // What was lost is a part of the mark: it is to be the same after.
  return ['ok' + lost.map(key => ' -' + key).join(''), ''];
}

if (process.env.SLIM_SWEEP_CHILD) {
  process.on('uncaughtException', () => {}); process.on('unhandledRejection', () => {});
  (async () => {
    for (const dir of JSON.parse(process.env.SLIM_SWEEP_CHILD)) {
      let got;
      try { got = await load(dir); } catch (e) { got = ['', line(e)]; }
      fs.writeSync(3, JSON.stringify([dir, ...got]) + '\n');
    }
    process.kill(process.pid, 'SIGKILL');
  })();
} else {
  const asked = JSON.parse(fs.readFileSync(0, 'utf8')), code = process.execArgv[process.execArgv.length - 1];
  const queue = [], size = asked.alone ? 1 : 24;
  for (let i = 0; i < asked.names.length; i += size) queue.push(asked.names.slice(i, i + size));
  const say = row => fs.writeSync(1, JSON.stringify(row) + '\n');
  const next = () => {
    const part = queue.shift();
    if (!part) return;
    const env = Object.assign({}, process.env, {SLIM_SWEEP_CHILD: JSON.stringify(part)});
    const child = spawn(process.execPath, ['-e', code], {stdio: ['ignore', 'ignore', 'ignore', 'pipe'], cwd: '/', env});
    let text = '', timer;
    const wait = () => { clearTimeout(timer); timer = setTimeout(() => child.kill('SIGKILL'), asked.timeout * 1000); };
    wait();
    child.stdio[3].on('data', data => { text += data; wait(); });
    child.on('error', () => {});
    child.on('close', () => {
      clearTimeout(timer);
      const rows = text.split('\n').slice(0, -1).map(row => JSON.parse(row)), done = new Set(rows.map(row => row[0]));
      const left = part.filter(dir => !done.has(dir));
      for (const row of rows) if (row[1] || part.length === 1) say(row); else queue.push([row[0]]);
      if (part.length === 1) left.forEach(dir => say([dir, '', 'no answer: it ended the process, or did not end']));
      else if (left.length) { queue.push([left[0]]); if (left.length > 1) queue.push(left.slice(1)); }
      next();
    });
  };
  for (let k = 0; k < asked.jobs; k++) next();
}
