import { useQueryClient } from "@tanstack/react-query";
import { setWindow } from "@/lib/window";
import { api } from "./index";
import { queries } from "./queries";

/** Locks the app: the next person signs in with her own PIN, and lands at `returnTo`. */
export function useLock() {
  const client = useQueryClient();
  return async (returnTo: string | null = null) => {
    setWindow({ blurred: false });
    await api.lock().catch(() => undefined);
    client.setQueryData(queries.session().queryKey, null);
    // The next sign-in starts there; routes live in the hash.
    window.location.hash = returnTo ?? "/";
    client.removeQueries({ predicate: (q) => !["app_state", "session", "status"].includes(String(q.queryKey[0])) });
  };
}
