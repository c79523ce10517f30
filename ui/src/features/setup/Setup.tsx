import type { AppState } from "@/api";
export function Setup({ app }: { app: AppState }) {
  return <h1>{app.version}</h1>;
}
