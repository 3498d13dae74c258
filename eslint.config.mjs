import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const nodeGlobals = Object.fromEntries(
  [
    'process',
    'console',
    'Buffer',
    'URL',
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'performance',
    'fetch',
    'AbortController',
    'AbortSignal',
    'structuredClone',
    'TextEncoder',
    'TextDecoder',
    'Response',
    'Request',
    'Headers',
    'queueMicrotask',
  ].map((name) => [name, 'readonly']),
);
const commonJs = Object.fromEntries(
  ['require', 'module', 'exports', '__dirname', '__filename'].map((name) => [name, 'readonly']),
);

/** Node leaks the handle of a socket that is reset while its shutdown is on the way: one place knows. */
const RESETS = [
  'error',
  {
    property: 'resetAndDestroy',
    message: 'Take `reset` of test/support/reset.js.',
  },
];

/** What is skipped has its reason printed: one place does. */
const SKIPS = ['test', 'it', 'describe'].map((object) => ({
  object,
  property: 'skip',
  message: 'Take `where` of test/support/where.js.',
}));

export default defineConfig(
  globalIgnores(['dist/', 'native/', 'target/', 'fuzz/', 'coverage/', '.cache/', '**/node_modules/', 'test/types/']),
  {
    files: ['ts/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  {
    // The addon is loaded with require, and from nowhere else: the layer check sees to that.
    files: ['ts/native/**/*.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  { files: ['ts/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests hand over what the types forbid, to see that it is refused.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/require-await': 'off',
      'no-console': 'off',
      'no-restricted-properties': [...RESETS, ...SKIPS],
    },
  },
  { files: ['test/support/where.ts'], rules: { 'no-restricted-properties': RESETS } },
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: { ecmaVersion: 2024, globals: nodeGlobals },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-const-assign': 'error',
      'no-dupe-keys': 'error',
      'no-undef': 'error',
      'no-unreachable': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'prefer-const': 'error',
    },
  },
  { files: ['test/**/*.mjs'], rules: { 'no-restricted-properties': RESETS } },
  {
    files: ['test/support/reset.js'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/*.cjs', '*.config.js', 'test/support/*.js'],
    languageOptions: { sourceType: 'commonjs', globals: commonJs },
  },
);
