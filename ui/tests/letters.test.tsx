import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fake } from "../dev/fake";
import { expectAccessible, start } from "./app";

const clinic = async (name: string) => {
  const heading = await screen.findByRole("heading", { name });
  return heading.closest("li") as HTMLElement;
};

describe("the directory", () => {
  it("says of each clinic how far it is known, and offers a letter to those that are", async () => {
    const { user } = start({ as: "doctor", at: "/network?tab=directory" });
    const sentosa = await clinic("Klinik Sentosa");
    expect(sentosa.textContent).toContain("verified");
    expect((await clinic("Klinik Palsu")).textContent).toContain("not its own word");
    expect(within(await clinic("Klinik Palsu")).queryByRole("button")).toBeNull();
    const bayu = await clinic("Klinik Bayu Kanak-kanak");
    expect(bayu.textContent).toContain("You verified this clinic under the name Klinik Bayu.");
    expect((await clinic("Klinik Cahaya")).textContent).toContain("something_newer");
    await user.click(within(sentosa).getByRole("button", { name: "Write a letter to Klinik Sentosa" }));
    expect((await screen.findByLabelText<HTMLSelectElement>("To")).selectedOptions[0]?.textContent).toBe("Klinik Sentosa");
  });

  it("verifies a clinic by the digits that it reads out, and not by others", async () => {
    const { user } = start({ as: "doctor", at: "/network?tab=directory" });
    await user.click(within(await clinic("Klinik Cahaya")).getByRole("button", { name: "Compare digits of Klinik Cahaya" }));
    await user.type(screen.getByLabelText("Digits that were read out"), "1184 5520 9317 6402 8872");
    await user.click(screen.getByRole("button", { name: "They are the same" }));
    expect(await screen.findByText("The digits are not the same")).toBeTruthy();
    await user.clear(screen.getByLabelText("Digits that were read out"));
    await user.type(screen.getByLabelText("Digits that were read out"), "11845520931764028871");
    await user.click(screen.getByRole("button", { name: "They are the same" }));
    await waitFor(() => expect(document.querySelector(`[data-clinic="${"d4".repeat(32)}"]`)?.getAttribute("data-trust")).toBe("verified"));
  });

  it("is searched by name, place and specialty", async () => {
    const { user } = start({ as: "doctor", at: "/network?tab=directory" });
    await clinic("Klinik Sentosa");
    const shown = () => [...document.querySelectorAll("[data-clinic] h2")].map((h) => h.textContent);
    await user.type(screen.getByLabelText("Search by name, place or specialty"), "kajang");
    expect(shown()).toEqual(["Klinik Cahaya", "Klinik Sentosa"]);
    await user.clear(screen.getByLabelText("Search by name, place or specialty"));
    await user.type(screen.getByLabelText("Search by name, place or specialty"), "paediatrics");
    expect(shown()).toEqual(["Klinik Bayu Kanak-kanak"]);
    await user.type(screen.getByLabelText("Search by name, place or specialty"), "xyz");
    expect(await screen.findByText("No clinic found")).toBeTruthy();
  });

  it("takes our own entry from an admin, and says where it is", async () => {
    const { user } = start({ as: "owner", at: "/network?tab=directory" });
    expect(await screen.findByText("This clinic is not in the directory.")).toBeTruthy();
    await user.click(screen.getByLabelText("Other clinics may send us patients"));
    await user.click(screen.getByLabelText("Dentistry"));
    await user.click(screen.getByRole("button", { name: "Publish" }));
    expect(await screen.findByText("Signed here. It goes to the relay at the next contact.")).toBeTruthy();
    expect(fake.callsOf("publishEntry")[0]).toEqual([
      { name: "Klinik Seri Mawar", telephone: "03-8926 4410", address: "7, Jalan Mawar 2\n43650 Bandar Baru Bangi", specialties: ["general_practice", "dental"], accepts_referrals: true },
    ]);
    await user.click(screen.getByRole("button", { name: "Take it out" }));
    await waitFor(() => expect(fake.callsOf("withdrawEntry")).toHaveLength(1));
  });

  it("says what is there when nothing is, and what went wrong", async () => {
    const { unmount } = start({ as: "doctor", at: "/network?tab=directory", before: () => fake.failNext("directory", "store_failed") });
    await waitFor(() => expect(document.querySelector('[data-error-code="store_failed"]')).toBeTruthy());
    unmount();
    start({ as: "doctor", at: "/network?tab=directory", scene: "empty" });
    expect(await screen.findByText("The directory is empty")).toBeTruthy();
  });
});

describe("letters", () => {
  it("are written to verified clinics alone, with a word of warning, and say how far they have come", async () => {
    const { user } = start({ as: "doctor", at: "/network?tab=letters" });
    const to = await screen.findByLabelText<HTMLSelectElement>("To");
    expect([...to.options].map((o) => o.textContent)).toEqual(["Choose a verified clinic", "Klinik Sentosa", "Klinik Bayu"]);
    expect(screen.getByText(/leaves this clinic and cannot be called back/)).toBeTruthy();
    await user.selectOptions(to, "Klinik Sentosa");
    await user.type(screen.getByLabelText("Letter"), "Please see her.");
    await user.click(screen.getByRole("button", { name: "Sign and send" }));
    expect(await screen.findByText("Saved here. It is on its way.")).toBeTruthy();
    expect(fake.callsOf("sendLetter")).toHaveLength(1);
    const states = [...document.querySelectorAll("[data-letter][data-state]")].map((row) => row.getAttribute("data-state"));
    expect(new Set(states)).toEqual(new Set(["waits_here", "at_relay", "delivered", "read", "expired", "refused", "on_its_way"]));
  });

  it("are opened into the record, and say what is to be doubted", async () => {
    const { user } = start({ as: "doctor", at: "/network?tab=letters" });
    expect(await screen.findByText("1 message could not be opened on this device. It is kept and tried again.")).toBeTruthy();
    await user.click(await screen.findByRole("button", { name: "Open the letter from Klinik Cahaya, Dr Ravi a/l Kumar" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("This clinic is not verified");
    expect(dialog.textContent).toContain("has been removed by its clinic");
    expect(dialog.textContent).toContain("thank you for seeing this patient");
    await user.click(within(dialog).getByRole("button", { name: "Close" }));
    await waitFor(() => expect(document.querySelector(`[data-letter="${"2".repeat(32)}"]`)?.getAttribute("data-read")).toBe("true"));
    expect((document.querySelector(`[data-letter="${"3".repeat(32)}"]`) as HTMLButtonElement).disabled).toBe(true);
  });

  it("are nothing for the counter", async () => {
    start({ as: "receptionist", at: "/network?tab=letters" });
    await screen.findByRole("tab", { name: /Directory/ });
    expect(screen.queryByRole("tab", { name: /Letters/ })).toBeNull();
  });

  it.each(["directory", "letters"])("is accessible in both languages: %s", async (tab) => {
    for (const language of ["en", "ms"] as const) {
      const { unmount } = start({ as: "owner", at: `/network?tab=${tab}`, language });
      await waitFor(() => expect(document.querySelectorAll("[data-clinic], [data-letter]").length).toBeGreaterThan(3));
      await expectAccessible();
      unmount();
    }
  });
});
