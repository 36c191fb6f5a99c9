use super::*;

#[test]
fn node_loses_what_only_people_and_compilers_read() {
    fates(
        &profile("node-slim"),
        &[
            ("app/node_modules/a/dist/a.js.map", "node-source-maps"),
            ("app/node_modules/a/index.d.ts", "node-types"),
            ("app/node_modules/a/node_modules/@b/c/index.d.mts", "node-types"),
            ("app/node_modules/typescript/lib/lib.es5.d.ts", "kept"),
            ("app/node_modules/a/node_modules/typescript/lib/lib.dom.d.ts", "kept"),
            ("app/node_modules/@typescript/typescript-linux-x64/lib/lib.d.ts", "kept"),
            ("app/node_modules/a/compiler/lib.es2020.promise.d.ts", "kept"),
            ("app/node_modules/a/README.md", "node-readme"),
            ("app/node_modules/a/README.zh-CN.md", "node-readme"),
            ("app/node_modules/a/usage.md", "kept"),
            ("app/node_modules/a/LICENSE.md", "protected"),
            ("app/node_modules/@a/b/CHANGELOG.md", "node-readme"),
            ("app/node_modules/.pnpm/a@1/node_modules/@a/b/README.md", "node-readme"),
            ("app/node_modules/a/node_modules/b/History.md", "node-readme"),
            ("app/node_modules/a/dist/README.md", "kept"),
            ("app/node_modules/@a/README.md", "kept"),
            ("app/node_modules/a/.github/workflows/ci.yml", "node-ci"),
            ("app/node_modules/@a/b/.travis.yml", "node-ci"),
            ("app/node_modules/a/azure-pipelines.yml", "node-ci"),
            ("app/node_modules/a/lib/azure-pipelines.yml", "kept"),
            ("app/node_modules/@a/b/lib/x/.circleci/config.yml", "kept"),
            ("app/node_modules/yaml/dist/doc/Document.js", "kept"),
            ("app/node_modules/a/test/index.js", "kept"),
            ("app/node_modules/a/index.js.flow", "node-flow"),
            ("usr/local/lib/node_modules/npm/man/man1/npm.1", "npm-help"),
            ("app/node_modules/aws-cdk/lib/init-templates/app/typescript/x.d.ts", "kept"),
            ("app/node_modules/a/functions-templates/hello/x.d.ts", "kept"),
            ("app/node_modules/@nestjs/schematics/dist/lib/application/files/ts/x.d.ts", "kept"),
            ("app/node_modules/a/src/generators/app/env.d.ts", "kept"),
            ("app/node_modules/@babel/generator/lib/generators/base.js.map", "node-source-maps"),
            ("app/node_modules/@schematics/angular/index.d.ts", "node-types"),
            ("app/src/index.d.ts", "kept"),
            ("app/public/app.js.map", "kept"),
        ],
    );
}
