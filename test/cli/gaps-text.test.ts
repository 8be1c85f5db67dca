import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { surveyText } from "../../cli/gaps/text.ts";
import type { Gap, Survey } from "../../cli/gaps/survey.ts";

const none = { ranges: 0, missing: 0 };
const survey: Survey = { publishers: 2, numbers: 1234, settled: none, onTheirWay: none, unreadable: 0, gaps: [] };
const gap: Gap = {
  publisher_id: "p",
  first_missing: 3,
  last_missing: 5,
  missing: 3,
  seen_before: null,
  seen_after: "2026-01-31T09:30:00.123456000Z",
  settled: true,
};

describe("surveyText()", () => {
  it("tells nothing to look at from nothing missing", () => {
    assert.match(surveyText({ ...survey, publishers: 0, numbers: 0 }, undefined), /^Nothing to look at/);
    assert.equal(surveyText(survey, undefined), "No settled gaps. Looked at 1,234 numbers of 2 publishers.\n");
  });

  it("lists what is missing apart from what may be on its way, and says how much of each", () => {
    const text = surveyText(
      {
        ...survey,
        settled: { ranges: 2, missing: 4 },
        onTheirWay: { ranges: 1, missing: 1 },
        gaps: [gap, { ...gap, first_missing: 9, last_missing: 9, missing: 1, settled: false }],
      },
      100,
    );
    assert.match(text, /Missing\n\npublisher .*\n─.*\np +3–5 +3 +nothing +2026-01-31 09:30:00Z\n/);
    assert.match(text, /May be on their way\n\n.*\n.*\np +9 +1 /);
    assert.match(
      text,
      /and 1 range more\n4 events in 2 ranges missing; 1 event in 1 range may still be on their way\. /,
    );
  });

  it("says when dead letters hold numbers that it cannot see", () => {
    assert.match(surveyText({ ...survey, unreadable: 2 }, undefined), /2 messages in dead letters cannot be read/);
  });
});
