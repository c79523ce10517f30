import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The app on made-up data, to look at screens without a backend. Never part of the shipped build. */
export default defineConfig({
  root: at("."),
  plugins: [
    {
      name: "fake-bindings",
      enforce: "pre",
      resolveId: (source) => (source.endsWith("bindings.gen") ? at("./fake/index.ts") : null),
    },
    react(),
  ],
  resolve: { alias: { "@": at("../src"), "@locales": at("../../locales"), "@dev": at(".") } },
  server: { port: 1421, strictPort: true, fs: { allow: [at(".."), at("../../locales")] } },
});
