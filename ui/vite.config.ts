import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The build that the app embeds: no inline script, no data: font, nothing from the network. */
export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": at("./src"), "@locales": at("../locales") } },
  clearScreen: false,
  server: { port: 1420, strictPort: true, fs: { allow: [at("."), at("../locales")] } },
  build: {
    outDir: "dist",
    target: ["safari15", "chrome107"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
});
