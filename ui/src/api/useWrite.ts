import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ApiError } from "./errors";
import { spoil } from "./queries";

/** A write: on success the tags are spoiled at once, beside what the backend's own event spoils. */
export function useWrite<V = void, R = unknown>(write: (input: V) => Promise<R>, tags: string[] | ((input: V) => string[]) = []) {
  const client = useQueryClient();
  return useMutation<R, ApiError, V>({
    mutationFn: write,
    onSuccess: (_, input) => spoil(client, typeof tags === "function" ? tags(input) : tags),
  });
}
