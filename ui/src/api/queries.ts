/**
 * Every read of the screens, with the tags that spoil it (DESIGN: the Rust verbs name them, the screens never guess).
 * A tag `patient` also answers to `patient:<id>`.
 */
import { keepPreviousData, QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { ApiError, api, type PatientId, type PrescriptionLine, type VisitId } from "./index";

declare module "@tanstack/react-query" {
  interface Register {
    queryMeta: { tags: string[] };
  }
}

export function makeQueryClient() {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      // The backend locked or closed meanwhile: the sign-in, or the choice of a clinic, comes forward.
      onError: (error) => {
        const { code } = ApiError.from(error);
        if (code === "not_signed_in") client.setQueryData(["session"], null);
        else if (code === "no_clinic_open") void client.invalidateQueries({ queryKey: ["app_state"] });
      },
    }),
    defaultOptions: {
      // Everything is local: an answer takes milliseconds and is fresh until a tag spoils it.
      queries: { networkMode: "always", retry: false, staleTime: Infinity, refetchOnWindowFocus: false, gcTime: 5 * 60_000 },
      mutations: { networkMode: "always", retry: false },
    },
  });
  return client;
}

const meta = (...tags: string[]) => ({ tags });

export const queries = {
  appState: () => queryOptions({ queryKey: ["app_state"], queryFn: () => api.appState(), meta: meta("clinic", "settings") }),
  session: () => queryOptions({ queryKey: ["session"], queryFn: () => api.session(), meta: meta("staff", "clinic") }),
  recoveryKit: () => queryOptions({ queryKey: ["recovery_kit"], queryFn: () => api.recoveryKit(), meta: meta("app"), gcTime: 0 }),
  staffFaces: () => queryOptions({ queryKey: ["staff"], queryFn: () => api.staffFaces(), meta: meta("staff") }),
  today: () => queryOptions({ queryKey: ["today"], queryFn: () => api.today(), meta: meta("queue", "patients", "staff") }),
  searchPatients: (query: string) =>
    queryOptions({ queryKey: ["patients", query], queryFn: () => api.searchPatients(query), meta: meta("patients") }),
  readMykad: (text: string) =>
    queryOptions({ queryKey: ["mykad", text], queryFn: () => api.readMykad(text), meta: meta("patients") }),
  banner: (patient: PatientId) =>
    queryOptions({ queryKey: ["banner", patient], queryFn: () => api.patientBanner(patient), meta: meta(`patient:${patient}`) }),
  history: (patient: PatientId) =>
    queryOptions({ queryKey: ["history", patient], queryFn: () => api.patientHistory(patient), meta: meta(`patient:${patient}`, "staff") }),
  visit: (visit: VisitId) =>
    queryOptions({ queryKey: ["visit", visit], queryFn: () => api.openVisit(visit), meta: meta(`visit:${visit}`, "patient", "queue", "recordings", "sharing") }),
  recordingsOf: (patient: PatientId) =>
    queryOptions({ queryKey: ["recordings", patient], queryFn: () => api.recordingsOf(patient), meta: meta("recordings", "status", `patient:${patient}`) }),
  products: (query: string) =>
    queryOptions({ queryKey: ["products", query], queryFn: () => api.searchProducts(query), meta: meta("products") }),
  checkLine: (visit: VisitId, line: PrescriptionLine) =>
    queryOptions({
      queryKey: ["check", visit, line],
      queryFn: () => api.checkLine(visit, line),
      meta: meta(`visit:${visit}`, "patient"),
      placeholderData: keepPreviousData,
      gcTime: 0,
    }),
  dispensingQueue: () =>
    queryOptions({ queryKey: ["dispensing"], queryFn: () => api.dispensingQueue(), meta: meta("queue", "patients", "audit") }),
  dispense: (visit: VisitId) =>
    queryOptions({
      queryKey: ["dispense", visit],
      queryFn: () => api.openDispense(visit),
      meta: meta(`visit:${visit}`, "patient", "print_jobs"),
    }),
  labelPreview: (visit: VisitId, line: string) =>
    queryOptions({
      queryKey: ["label", visit, line],
      queryFn: () => api.labelPreview(visit, line),
      meta: meta(`visit:${visit}`, "patient", "clinic", "settings"),
    }),
  printJobs: () => queryOptions({ queryKey: ["print_jobs"], queryFn: () => api.printJobs(), meta: meta("print_jobs") }),
  directory: () =>
    queryOptions({ queryKey: ["directory"], queryFn: () => api.directory(), meta: meta("directory", "sharing", "audit", "devices", "clinic") }),
  letters: () => queryOptions({ queryKey: ["letters"], queryFn: () => api.letters(), meta: meta("letters", "sharing", "audit", "staff") }),
  recordRequests: () =>
    queryOptions({ queryKey: ["record_requests"], queryFn: () => api.recordRequests(), meta: meta("letters", "sharing", "audit", "staff", "patients") }),
  network: () => queryOptions({ queryKey: ["network"], queryFn: () => api.network(), meta: meta("sharing", "patients") }),
  ownCard: () => queryOptions({ queryKey: ["own_card"], queryFn: () => api.ownCard(), meta: meta("clinic") }),
  grantsOf: (patient: PatientId) =>
    queryOptions({ queryKey: ["grants", patient], queryFn: () => api.grantsOf(patient), meta: meta("sharing") }),
  shared: (grant: string) =>
    queryOptions({ queryKey: ["shared", grant], queryFn: () => api.openShared(grant), meta: meta("sharing"), gcTime: 0, staleTime: 0 }),
  audit: (patient: PatientId | null) =>
    queryOptions({ queryKey: ["audit", patient], queryFn: () => api.audit(patient), meta: meta("audit", "patients", "staff"), staleTime: 0 }),
  status: () => queryOptions({ queryKey: ["status"], queryFn: () => api.status(), meta: meta("status", "print_jobs", "settings") }),
  deviceSettings: () => queryOptions({ queryKey: ["settings"], queryFn: () => api.deviceSettings(), meta: meta("settings") }),
  microphones: () => queryOptions({ queryKey: ["microphones"], queryFn: () => api.microphones(), meta: meta("settings"), staleTime: 0 }),
  devices: () => queryOptions({ queryKey: ["devices"], queryFn: () => api.devices(), meta: meta("devices", "clinic", "audit") }),
  quarantined: () => queryOptions({ queryKey: ["quarantined"], queryFn: () => api.quarantined(), meta: meta("devices", "status", "clinic", "audit") }),
  conflicts: (patient: PatientId | null) =>
    queryOptions({ queryKey: ["conflicts", patient], queryFn: () => api.conflicts(patient), meta: meta("status", "patient", "visit", "staff") }),
  deviceContacts: () => queryOptions({ queryKey: ["contacts"], queryFn: () => api.deviceContacts(), meta: meta("devices", "status", "clinic") }),
  plan: () => queryOptions({ queryKey: ["plan"], queryFn: () => api.plan(), meta: meta("status", "devices") }),
  clinicChoices: () => queryOptions({ queryKey: ["choices"], queryFn: () => api.clinicChoices(), meta: meta("clinic") }),
  erasurePreview: (patient: PatientId) =>
    queryOptions({ queryKey: ["erasure", patient], queryFn: () => api.erasurePreview(patient), meta: meta(`patient:${patient}`), gcTime: 0, staleTime: 0 }),
  backupState: () => queryOptions({ queryKey: ["backup"], queryFn: () => api.backupState(), meta: meta("settings", "status") }),
  models: () => queryOptions({ queryKey: ["models"], queryFn: () => api.models(), meta: meta("settings") }),
};

/** True when a query with these tags must be read again because `spoiled` was. */
export function isSpoiled(tags: readonly string[], spoiled: readonly string[]): boolean {
  if (spoiled.includes("everything")) return true;
  return tags.some((tag) => spoiled.some((s) => s === tag || s.startsWith(`${tag}:`) || tag.startsWith(`${s}:`)));
}

/** Reads again whatever the named tags spoil. Called on the event `spoiled` and after a write of our own. */
export function spoil(client: QueryClient, spoiled: readonly string[]): Promise<void> {
  return client.invalidateQueries({ predicate: (query) => isSpoiled(query.meta?.tags ?? [], spoiled) });
}
