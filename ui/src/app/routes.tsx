/** Every screen on one page. Routes live in the hash: the app's files are served from its own binary. */
import { createHashHistory, createRootRoute, createRoute, createRouter, Navigate, Outlet } from "@tanstack/react-router";
import type { SessionView } from "@/api";
import { RemovedStrip } from "@/components/RemovedStrip";
import { Admin } from "@/features/admin/Admin";
import { Conflicts, type ConflictsSearch } from "@/features/conflicts/Conflicts";
import { Consent } from "@/features/consent/Consent";
import { Consult } from "@/features/consult/Consult";
import { ConsultList } from "@/features/consult/ConsultList";
import { Dispense } from "@/features/dispense/Dispense";
import { Network, type NetworkSearch } from "@/features/network/Network";
import { SharedRecord } from "@/features/network/SharedRecord";
import { Patient } from "@/features/patients/Patient";
import { Patients, type PatientsSearch } from "@/features/patients/Patients";
import { Sync } from "@/features/sync/Sync";
import { Today, type TodaySearch } from "@/features/today/Today";
import { Shell } from "./shell/Shell";

export function makeAppRouter(session: SessionView, home: string) {
  const root = createRootRoute({ component: Outlet, notFoundComponent: () => <Navigate to="/" replace /> });
  const shell = createRoute({ getParentRoute: () => root, id: "shell", component: () => <Shell session={session} /> });
  const under = () => shell;
  const routeTree = root.addChildren([
    shell.addChildren([
      createRoute({ getParentRoute: under, path: "/", component: () => <Navigate to={home} replace /> }),
      createRoute({ getParentRoute: under, path: "/today", validateSearch: (s) => s as TodaySearch, component: () => <Today session={session} /> }),
      createRoute({ getParentRoute: under, path: "/patients", validateSearch: (s) => s as PatientsSearch, component: Patients }),
      createRoute({ getParentRoute: under, path: "/patients/$patient", component: () => <Patient session={session} /> }),
      createRoute({ getParentRoute: under, path: "/consult", component: () => <ConsultList session={session} /> }),
      createRoute({ getParentRoute: under, path: "/consult/$visit", validateSearch: (s) => s as { drug?: string }, component: Consult }),
      createRoute({ getParentRoute: under, path: "/dispense", validateSearch: (s) => s as { spool?: boolean }, component: Dispense }),
      createRoute({ getParentRoute: under, path: "/dispense/$visit", validateSearch: (s) => s as { spool?: boolean }, component: Dispense }),
      createRoute({ getParentRoute: under, path: "/network", validateSearch: (s) => s as NetworkSearch, component: () => <Network session={session} /> }),
      createRoute({ getParentRoute: under, path: "/network/received/$grant", component: SharedRecord }),
      createRoute({ getParentRoute: under, path: "/conflicts", validateSearch: (s) => s as ConflictsSearch, component: Conflicts }),
      createRoute({ getParentRoute: under, path: "/sync", component: () => <Sync session={session} /> }),
      createRoute({ getParentRoute: under, path: "/admin", component: Admin }),
      createRoute({ getParentRoute: under, path: "/admin/$tab", component: Admin }),
    ]),
    createRoute({
      getParentRoute: () => root,
      path: "/consent/$patient",
      component: () => (
        // In the patient's hands too, but with no way into the clinic's screens.
        <>
          <RemovedStrip />
          <Consent session={session} />
        </>
      ),
    }),
  ]);
  return createRouter({ routeTree, history: createHashHistory() });
}
