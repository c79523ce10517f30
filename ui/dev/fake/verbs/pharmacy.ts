/** Dispensing, labels and the spool. */
import type * as b from "../../../src/api/bindings.gen";
import { LABEL_PNG } from "../../label";
import * as data from "../../people";
import { at, id, no, ok } from "../answer";
import { checked, line, PRODUCTS } from "../clinical";
import { rightPin, spoil, state, visitOf, wrongPin } from "../world";

function dispenseLines(visit: string): b.PrescriptionLine[] {
  const view = visitOf(visit);
  if (view && view.lines.length > 0) return view.lines.map((l) => l.line);
  const n = Number(visit.slice(-3));
  const lines = [
    line(n * 10 + 1, PRODUCTS[0] as b.ProductChoice, { units_per_dose: 2, frequency: "every_six_hours", when_needed: true, quantity: 24, indication: "demam / fever" }),
    line(n * 10 + 2, PRODUCTS[4] as b.ProductChoice, { frequency: "once_daily", days: 5, quantity: 5, indication: "selsema / runny nose" }),
  ];
  if (n === 2)
    lines.push(
      line(n * 10 + 3, PRODUCTS[3] as b.ProductChoice, {
        frequency: "once_daily",
        quantity: 6,
        units_per_dose: 2,
        overrides: [{ finding_key: "interaction:azithromycin:loratadine", reason: "Short course; ECG normal in August.", by: id(1, 2), at: at(7) }],
      }),
    );
  return lines;
}

const isDoubled = (visit: string) => state.matters.some((m) => m.visit === visit && m.what.kind === "dispensed_twice");

export const pharmacy = {
  dispensingQueue: () =>
    ok(
      state.rows
        .filter((r) => r.state === "at_pharmacy" || isDoubled(r.visit))
        .map((r): b.DispenseRow => {
          const lines = dispenseLines(r.visit);
          return { entry: r.entry, visit: r.visit, token: r.token, name: r.name, doctor_name: r.doctor_name ?? "Dr Aisyah binti Kamal", n_lines: lines.length, n_overridden: lines.filter((l) => l.overrides.length > 0).length, signed_at: at(6), dispensed_twice: isDoubled(r.visit) };
        }),
    ),
  openDispense: (visit: string) => {
    const view = visitOf(visit);
    if (!view) return no("not_found");
    return ok<b.DispenseView>({
      visit,
      token: view.token,
      banner: view.banner,
      doctor_name: "Dr Aisyah binti Kamal",
      lines: dispenseLines(visit).map((l, i) => ({
        checked: checked(l, view.banner),
        directions: data.DIRECTIONS[i % data.DIRECTIONS.length] ?? [],
        serial: state.dispensed[visit] ? `PB-${104 + i}` : null,
        job: state.jobs.find((j) => j.id === `${visit}/${l.id}`) ?? null,
        handed_over: state.dispensed[visit] ?? null,
      })),
      dispensed: state.dispensed[visit] ?? null,
      dispensed_twice: isDoubled(visit),
      reversed: state.reversed[visit] ?? [],
    });
  },
  labelPreview: () => ok(LABEL_PNG),
  printLabels: (visit: string, lines: string[]) => {
    const jobs = lines.map((l): b.PrintJobView => ({ id: `${visit}/${l}`, state: "sent", title: dispenseLines(visit).find((x) => x.id === l)?.drug_name ?? "", reprint: 0, at: new Date().toISOString(), reason: null }));
    state.jobs.unshift(...jobs);
    spoil("print_jobs");
    return ok(jobs);
  },
  printJobs: () => ok(state.jobs),
  answerPrint: (job: string, cameOut: boolean) => {
    state.jobs = state.jobs.map((j) => (j.id === job ? { ...j, state: cameOut ? "confirmed" : "failed" } : j));
    spoil("print_jobs");
    return ok(null);
  },
  reprint: (job: string, _reason: string) => {
    const old = state.jobs.find((j) => j.id === job);
    if (old) state.jobs.unshift({ ...old, id: id(state.next++, 8), state: "queued", reprint: old.reprint + 1, at: new Date().toISOString() });
    spoil("print_jobs");
    return ok(null);
  },
  handOver: (input: b.HandOver) => {
    if (!rightPin(input.pin)) return wrongPin();
    const view = visitOf(input.visit);
    const given = new Set(input.reasons?.filter((r) => r.reason.trim()).map((r) => r.finding_key));
    const open = dispenseLines(input.visit).filter((l) => input.lines.includes(l.id)).flatMap((l) => (view ? checked(l, view.banner).open : []));
    const keys = open.filter((key) => !given.has(key));
    if (keys.length > 0) return no("reason_needed", { keys: keys.join(",") });
    state.dispensed[input.visit] = { by: state.session?.name ?? "", at: new Date().toISOString() };
    state.rows = state.rows.map((r) => (r.visit === input.visit ? { ...r, state: "done" } : r));
    spoil("queue", `visit:${input.visit}`);
    return ok(null);
  },
};
