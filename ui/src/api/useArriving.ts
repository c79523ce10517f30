import { useQuery } from "@tanstack/react-query";
import { queries } from "./queries";

/** How much of the clinic's records has come to a device that is new, or was restored, in percent; `null` once it has had all. */
export function useArriving(): number | null {
  const { data } = useQuery({ ...queries.status(), select: ({ sync }) => sync.arriving });
  return data ?? null;
}
