import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, fake, screen, start } from "./app";

const WHERE = [
  ["at first start", { scene: "model" }],
  ["in the settings", { as: "admin", at: "/admin/settings" }],
] as const;

describe.each(WHERE)("importing a speech model %s", (_, where) => {
  const begin = async () => {
    const { user } = start(where);
    await user.click(await screen.findByRole("button", { name: "Import from a file…" }));
    await screen.findByRole("progressbar");
    return user;
  };

  it("shows how far it is in MB and percent, and what became of it", async () => {
    await begin();
    expect(fake.callsOf("importModel")[0]).toEqual(["/media/usb/file"]);
    const bar = screen.getByRole("progressbar");
    act(() => fake.importedSoFar(95_000_000, 190_000_000));
    await waitFor(() => expect(bar.getAttribute("aria-valuenow")).toBe("50"));
    expect(screen.getByTestId("model-import").textContent).toContain("95 of 190 MB · 50 %");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Import from a file…" }).disabled).toBe(true);
    await expectAccessible();
    act(() => fake.importedSoFar(190_000_000, 190_000_000));
    expect(await screen.findByText("Whisper small was imported and checked.")).toBeTruthy();
    expect(screen.queryByRole("progressbar")).toBeNull();
    await waitFor(() => expect(screen.getAllByText("installed")).toHaveLength(1));
  });

  it("can be taken back: no error, nothing installed", async () => {
    const user = await begin();
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    expect(await screen.findByText("The import was cancelled. Nothing was left behind.")).toBeTruthy();
    expect(fake.callsOf("cancelModelImport")).toHaveLength(1);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.queryByText("installed")).toBeNull();
  });

  it("says why it failed", async () => {
    const { user } = start(where);
    fake.failNext("importModel", "disk_full");
    await user.click(await screen.findByRole("button", { name: "Import from a file…" }));
    expect((await screen.findByRole("alert")).getAttribute("data-error-code")).toBe("disk_full");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Import from a file…" }).disabled).toBe(false);
  });
});

describe("an import that goes on", () => {
  it("is found again when one comes back to its screen", async () => {
    const { user } = start({ as: "admin", at: "/admin/settings" });
    await user.click(await screen.findByRole("button", { name: "Import from a file…" }));
    await screen.findByRole("progressbar");
    await user.click(screen.getByRole("tab", { name: "Staff" }));
    await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
    act(() => fake.importedSoFar(19_000_000, 190_000_000));
    await user.click(screen.getByRole("tab", { name: "This device" }));
    const bar = await screen.findByRole("progressbar");
    expect(bar.getAttribute("aria-valuenow")).toBe("10");
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
  });
});
