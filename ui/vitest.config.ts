import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": at("./src"), "@locales": at("../locales"), "@dev": at("./dev") } },
  server: { fs: { allow: [at("."), at("../locales")] } },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    css: false,
    testTimeout: 60_000,
    maxWorkers: 2,
    // The app is read in once by each worker, not by each file: a third less to do. `start` puts the made-up backend, the window
    // and the words back before each test.
    isolate: false,
  },
});
