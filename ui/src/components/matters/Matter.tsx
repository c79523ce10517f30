import type { MatterView } from "@/api";
import { Disputed } from "./Disputed";
import { LateEdit } from "./LateEdit";
import styles from "./Matter.module.css";
import { Removed } from "./Removed";
import { Twice } from "./Twice";
import { askWords } from "./words";

/** One thing that a person must judge: everything that was written, by whom and when, and the buttons that decide it. */
export function Matter({ matter }: { matter: MatterView }) {
  const { what } = matter;
  return (
    <article className={styles.matter} data-matter={what.kind} data-key={matter.key}>
      {what.kind === "disputed" && <Disputed matter={matter} what={what} />}
      {what.kind === "removed" && <Removed matter={matter} what={what} />}
      {what.kind === "late_edit" && <LateEdit matter={matter} edit={what.edit} />}
      {(what.kind === "signed_twice" || what.kind === "dispensed_twice") && <Twice matter={matter} what={what} />}
      {!matter.may_decide && <p className={styles.ask}>{askWords(matter)}</p>}
    </article>
  );
}
