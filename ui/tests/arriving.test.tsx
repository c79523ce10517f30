import { act, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { expectAccessible, expectOnePage, fake, id, PATIENT, screen, settled, start, VISIT, within } from "./app";

/** Known, none known and not asked, in the made-up clinic. */
const [KNOWN, NONE, NOT_ASKED] = [PATIENT, id(2, 3), id(3, 3)];
const NO_VISITS = id(34, 3);
const figure = (name: string) => document.querySelector(`[data-figure=${name}]`) as HTMLElement;
const coming = (percent: number | null) => () => void (fake.state.status.sync.arriving = percent);
const tell = (arriving: number | null) =>
  act(() => {
    fake.state.status = { ...fake.state.status, sync: { ...fake.state.status.sync, arriving } };
    fake.tell("statusChanged", fake.state.status);
  });
const allergies = async () => (await screen.findByRole("region", { name: /^(Allergies|Alahan)$/ })) as HTMLElement;

describe("a device that does not have all of the clinic's records", () => {
  it.each([
    ["signed out", {}],
    ["at the counter", { as: "receptionist", at: "/today" }],
    ["in the consult", { as: "doctor", at: `/consult/${VISIT}` }],
    ["at the pharmacy", { as: "pharmacist", at: "/dispense" }],
  ] as const)("says so %s", async (_, where) => {
    start({ ...where, scene: "arriving" });
    const strip = await screen.findByTestId("arriving");
    expect(strip.getAttribute("role")).toBe("status");
    expect(strip.textContent).toBe("This device does not have all of the clinic's records yet. Visits and allergies that it does not show may be on other devices: ask the patient, or look there.43 % have come");
    await settled();
    await expectAccessible();
  });

  it("says so in Malay, and not in the patient's hands", async () => {
    const { unmount } = start({ as: "receptionist", at: "/today", scene: "arriving", language: "ms" });
    const strip = await screen.findByTestId("arriving");
    expect(strip.textContent).toContain("Peranti ini belum mempunyai semua rekod klinik.");
    expect(strip.textContent).toContain("43 % sudah tiba");
    await expectAccessible();
    unmount();
    start({ as: "receptionist", at: `/consent/${PATIENT}`, scene: "arriving" });
    await screen.findByRole("heading", { level: 1 });
    await settled();
    expect(screen.queryByTestId("arriving")).toBeNull();
  });

  it("counts as the backend tells without reading out each percent, and is silent once everything has come", async () => {
    start({ as: "receptionist", at: "/today", before: coming(0) });
    const strip = await screen.findByTestId("arriving");
    // Nothing has come: no figure yet.
    expect(strip.textContent).not.toContain("%");
    tell(7);
    const percent = await within(strip).findByText("7 % have come");
    expect(percent.getAttribute("aria-live")).toBe("off");
    tell(99);
    await within(strip).findByText("99 % have come");
    tell(null);
    await waitFor(() => expect(screen.queryByTestId("arriving")).toBeNull());
  });

  it("says nothing of it on any other day", async () => {
    start({ as: "doctor", at: `/patients/${NOT_ASKED}` });
    await allergies();
    await settled();
    for (const mark of ["arriving", "may-still-come"]) expect(screen.queryByTestId(mark)).toBeNull();
  });

  it("asks for the status once, however many places speak of it", async () => {
    start({ as: "doctor", at: `/consult/${VISIT}`, scene: "arriving" });
    await allergies();
    await settled();
    expect(screen.getAllByTestId("may-still-come").length).toBeGreaterThan(1);
    expect(fake.callsOf("status")).toHaveLength(1);
  });
});

describe("the allergy strip meanwhile", () => {
  it.each([
    ["en", "Allergies may not have come yet Ask the patient, or look at another device of the clinic.", "More may still come", "Record an allergy"],
    ["ms", "Alahan mungkin belum tiba di sini Tanya pesakit, atau lihat di peranti lain klinik ini.", "Mungkin ada lagi yang belum tiba", "Catat alahan"],
  ] as const)("has a fourth state that looks like no other, and says of the others that more may come (%s)", async (language, notHere, more, record) => {
    const looks: string[] = [];
    const icons: string[] = [];
    for (const [patient, scene] of [[KNOWN, "arriving"], [NONE, "arriving"], [NOT_ASKED, "arriving"], [NOT_ASKED, "clinic"]] as const) {
      const { unmount } = start({ as: "doctor", at: `/patients/${patient}`, scene, language });
      const strip = await allergies();
      const look = strip.getAttribute("data-allergy") ?? "";
      looks.push(look);
      icons.push(strip.querySelector("svg")?.getAttribute("class") ?? "");
      if (look === "not_here") expect(strip.textContent).toContain(notHere);
      else expect(strip.textContent).not.toContain(notHere);
      expect(within(strip).queryAllByText(more)).toHaveLength(look === "known" || look === "none_known" ? 1 : 0);
      if (look === "known") expect(strip.textContent).toContain("Penicillin");
      expect(within(strip).getByRole("button", { name: record })).toBeTruthy();
      await expectAccessible(strip);
      unmount();
    }
    expect(looks).toEqual(["known", "none_known", "not_here", "not_asked"]);
    expect(new Set(icons).size).toBe(4);
  });

  it("does not offer \"none\" by one touch until everything has come; recording one is offered throughout", async () => {
    const { user } = start({ as: "doctor", at: `/patients/${NOT_ASKED}`, scene: "arriving" });
    const strip = await allergies();
    expect(within(strip).getAllByRole("button").map((b) => b.textContent)).toEqual(["Record an allergy"]);
    await user.click(within(strip).getByRole("button", { name: "Record an allergy" }));
    await user.click(await screen.findByRole("button", { name: "Cancel" }));
    tell(null);
    await waitFor(() => expect(strip.getAttribute("data-allergy")).toBe("not_asked"));
    expect(within(strip).getByRole("button", { name: "None: no known allergies" })).toBeTruthy();
  });

  it.each([
    ["a consult", "doctor", `/consult/${id(3, 4)}`],
    ["the pharmacy", "pharmacist", `/dispense/${id(7, 4)}`],
  ] as const)("is the same in %s", async (_, as, at) => {
    start({ as, at, scene: "arriving" });
    expect((await allergies()).getAttribute("data-allergy")).toBe("not_here");
    expect(screen.queryByRole("button", { name: "None: no known allergies" })).toBeNull();
  });

  it("does not speak for another clinic's record", async () => {
    const grant = "9f3a".repeat(8);
    for (const scene of ["arriving", "clinic"]) {
      const { unmount } = start({ as: "doctor", at: `/network/received/${grant}`, scene });
      const strip = await allergies();
      expect(strip.textContent).not.toContain("may still come");
      expect(strip.getAttribute("data-allergy")).not.toBe("not_here");
      unmount();
    }
  });

  it.each([
    ["en", "This patient's allergies may not have come to this device yet: they could not be checked."],
    ["ms", "Alahan pesakit ini mungkin belum tiba di peranti ini: ia tidak dapat disemak."],
  ] as const)("the checks of a medicine do not say that nobody has asked (%s)", async (language, words) => {
    start({ as: "pharmacist", at: `/dispense/${id(7, 4)}`, scene: "arriving", language });
    const notes = await waitFor(() => {
      const found = [...document.querySelectorAll("[data-finding='allergies:not_asked']")];
      expect(found.length).toBeGreaterThan(0);
      return found;
    });
    for (const note of notes) expect(note.textContent).toContain(words);
    tell(null);
    await waitFor(() => expect(notes[0]?.textContent).not.toContain(words));
  });
});

describe("a list that is not the whole truth", () => {
  it.each([
    ["en", "Visits may not have come yet", "No visits yet"],
    ["ms", "Lawatan mungkin belum tiba di sini", "Belum ada lawatan"],
  ] as const)("a history without visits does not say that there are none (%s)", async (language, words, usual) => {
    start({ as: "doctor", at: `/patients/${NO_VISITS}`, scene: "arriving", language });
    expect(await screen.findByText(words)).toBeTruthy();
    expect(screen.queryByText(usual)).toBeNull();
    await settled();
    await expectAccessible();
    tell(null);
    expect(await screen.findByText(usual)).toBeTruthy();
  });

  it("a history with visits says that more may come", async () => {
    start({ as: "doctor", at: `/patients/${KNOWN}`, scene: "arriving" });
    const history = await screen.findByRole("region", { name: "History" });
    await within(history).findByRole("button", { name: /Tension headache/ });
    expect(within(history).getByText("More visits may still come.")).toBeTruthy();
  });

  it.each([
    ["en", ["They may not have come yet", "Visits may not have come yet", "Records may not have come yet"], ["None on record", "First visit here", "Nothing"]],
    ["ms", ["Mungkin belum tiba di sini", "Lawatan mungkin belum tiba di sini", "Rekod mungkin belum tiba di sini"], ["Tiada dalam rekod", "Lawatan pertama di sini", "Tiada"]],
  ] as const)("the consult's column calls nothing a first visit or unshared (%s)", async (language, now, usual) => {
    start({ as: "doctor", at: `/consult/${id(3, 4)}`, scene: "arriving", language });
    for (const words of now) expect(await screen.findByText(words)).toBeTruthy();
    for (const words of usual) expect(screen.queryByText(words)).toBeNull();
    tell(null);
    for (const words of usual) expect(await screen.findByText(words)).toBeTruthy();
  });

  it.each([
    ["the queue", "receptionist", "/today"],
    ["who is looked for", "receptionist", "/patients?q=zzzz"],
    ["those who wait for the doctor", "doctor", "/consult"],
    ["what is to be dispensed", "pharmacist", "/dispense"],
    ["what is given", "receptionist", "/network?tab=given"],
    ["what was received", "receptionist", "/network?tab=received"],
    ["letters", "doctor", "/network?tab=letters"],
    ["requests", "doctor", "/network?tab=requests"],
  ] as const)("%s: empty, more may come", async (_, as, at) => {
    start({ as, at, scene: "empty", before: coming(43) });
    await screen.findByRole("heading", { level: 1 });
    expect((await screen.findAllByTestId("may-still-come"))[0]?.textContent).toBe("More may still come.");
    await settled();
    await expectAccessible();
    tell(null);
    await waitFor(() => expect(screen.queryByTestId("may-still-come")).toBeNull());
  });

  it("a search that finds nobody", async () => {
    const { user } = start({ as: "receptionist", at: "/today", scene: "arriving" });
    await user.click(await screen.findByRole("button", { name: /Search patients/ }));
    await user.type(await screen.findByRole("combobox", { name: "Search and commands" }), "zzzz");
    expect(await screen.findByText("Nothing was found.")).toBeTruthy();
    expect(await screen.findByText("More may still come.")).toBeTruthy();
  });
});

describe("the status bar and the screen Sync meanwhile", () => {
  it.each([
    ["en", "Saved here · all sent · relay connected · LAN 1 device · records coming: 43 %", "Saved here · LAN 1 · records coming: 43 %", "43 % have come"],
    ["ms", "Disimpan di sini · semua dihantar · geganti bersambung · LAN 1 peranti · rekod tiba: 43 %", "Disimpan di sini · LAN 1 · rekod tiba: 43 %", "43 % sudah tiba"],
  ] as const)("the bar says how much, instead of what is being read (%s)", async (language, words, short, line) => {
    const { user } = start({ as: "receptionist", at: "/today", scene: "arriving", language });
    const bar = await screen.findByRole("button", { name: words });
    expect(bar.querySelector("[data-length=short]")?.textContent).toBe(short);
    expect(bar.getAttribute("data-tone")).toBe("calm");
    await user.click(bar);
    expect(within(await screen.findByRole("dialog")).getByText(line)).toBeTruthy();
  });

  it.each([
    ["en", "The clinic's records come to this device", "not all here yet", "coming now · 43 %", "not known yet"],
    ["ms", "Rekod klinik sedang tiba di peranti ini", "belum semuanya ada di sini", "sedang tiba · 43 %", "belum diketahui"],
  ] as const)("Sync says how far, and claims neither that all is here nor that nothing is missing (%s)", async (language, what, value, stage, missing) => {
    start({ as: "receptionist", at: "/sync", scene: "arriving", language });
    expect((await screen.findByRole("progressbar", { name: what })).getAttribute("aria-valuenow")).toBe("43");
    expect(figure("arriving").textContent).toContain(value);
    expect(figure("arriving").textContent).toContain(stage);
    expect(figure("arriving").getAttribute("data-tone")).toBe("amber");
    expect(figure("missing").textContent).toContain(missing);
    expect(figure("reading")).toBeNull();
    await settled();
    await expectAccessible();
    await expectOnePage();
    tell(null);
    await waitFor(() => expect(figure("arriving")).toBeNull());
    expect(figure("missing").textContent).not.toContain(missing);
    // What is left to be read is told as ever.
    expect(figure("reading")).toBeTruthy();
  });

  it("says that it waits while the relay is out of reach", async () => {
    start({ as: "receptionist", at: "/sync", scene: "lan-only", before: coming(12) });
    await screen.findByRole("progressbar", { name: "The clinic's records come to this device" });
    expect(figure("arriving").textContent).toContain("waiting for the relay · 12 %");
  });
});
