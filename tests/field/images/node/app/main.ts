import * as os from "os";
const n: number = os.EOL.length;
console.log(n);
