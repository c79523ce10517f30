import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import i18next from "i18next";
import { expect } from "vitest";
import { notifications } from "@mantine/notifications";
import { makeQueryClient } from "@/api/queries";
import { Gate } from "@/app/Gate";
import { Providers } from "@/app/Providers";
import { type Language, startWords } from "@/lib/i18n";
import { resetWindow } from "@/lib/window";
import { fake } from "@dev/fake";

export { fake, screen, within };

export const id = (n: number, kind: number) => `0199${String(kind).padStart(4, "0")}-0000-7000-8000-${String(n).padStart(12, "0")}`;
export const VISIT = id(1, 4);
export const PATIENT = id(1, 3);
export const PINS = { doctor: "246802", pharmacist: "975310", receptionist: "864209" };

let client = makeQueryClient();
/** Everything that the screen asked for has been answered. */
export const settled = () => waitFor(() => expect(client.isFetching()).toBe(0));

interface Start {
  as?: "doctor" | "pharmacist" | "receptionist" | "admin" | "owner";
  at?: string;
  language?: Language;
  scene?: string;
  /** Set up further before the app begins. */
  before?: () => void;
}

/** The whole app on a made-up backend: at a place, as somebody, in a language. */
export function start({ as, at = "/", language = "en", scene = "clinic", before }: Start = {}) {
  fake.reset();
  resetWindow();
  notifications.clean();
  fake.scene(scene);
  fake.signInAs(as ?? null);
  before?.();
  window.location.hash = at;
  localStorage.clear();
  if (i18next.isInitialized) void i18next.changeLanguage(language);
  else startWords(language);
  const user = userEvent.setup({ pointerEventsCheck: 0 });
  client = makeQueryClient();
  const view = render(
    <Providers client={client}>
      <Gate />
    </Providers>,
  );
  return { user, ...view };
}

/** Types digits on the pad that is open. */
export async function enterPin(user: ReturnType<typeof userEvent.setup>, pin: string) {
  await user.keyboard(pin);
}

/** No violation that axe can see without a layout. Contrast and target size are looked at in the real window. */
export async function expectAccessible(what: Element = document.body) {
  const { violations } = await axe.run(what, {
    rules: { "color-contrast": { enabled: false }, "target-size": { enabled: false }, region: { enabled: false } },
    resultTypes: ["violations"],
  });
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 140)).join(" | ")}`)).toEqual([]);
}

/** One main part and one title, everything in some landmark. */
export async function expectOnePage() {
  await screen.findByRole("heading", { level: 1 });
  await settled();
  expect(document.querySelectorAll("main, [role=main]")).toHaveLength(1);
  expect(document.querySelectorAll("h1, [role=heading][aria-level='1']")).toHaveLength(1);
  expect(document.querySelector("main h1")).toBeTruthy();
  const { violations } = await axe.run(document.body, { runOnly: ["region", "landmark-one-main", "landmark-unique", "landmark-no-duplicate-main", "page-has-heading-one", "heading-order"] });
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 140)).join(" | ")}`)).toEqual([]);
}
