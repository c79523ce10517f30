/** Every screen on one page. Routes live in the hash: the app's files are served from its own binary. */
import { createHashHistory, createRootRoute, createRoute, createRouter, Navigate, Outlet } from "@tanstack/react-router";
import type { SessionView } from "@/api";
import { Today } from "@/features/today/Today";
import { Shell } from "./shell/Shell";

export function makeAppRouter(session: SessionView, home: string) {
  const root = createRootRoute({ component: Outlet, notFoundComponent: () => <Navigate to={home} /> });
  const shell = createRoute({ getParentRoute: () => root, id: "shell", component: () => <Shell session={session} /> });
  const under = () => shell;
  const index = createRoute({ getParentRoute: under, path: "/", component: () => <Navigate to={home} replace /> });
  const today = createRoute({ getParentRoute: under, path: "/today", component: Today });
  const routeTree = root.addChildren([shell.addChildren([index, today])]);
  return createRouter({ routeTree, history: createHashHistory() });
}
