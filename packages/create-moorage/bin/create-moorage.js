#!/usr/bin/env node
// As a package it runs dist/, in the repository src/, whose types Node strips.
import { existsSync } from 'node:fs';
import process from 'node:process';

const source = new URL('../src/main.ts', import.meta.url);
const { createMoorage } = await import(existsSync(source) ? source.href : '../dist/main.js');
process.exitCode = await createMoorage(process.argv.slice(2));
