// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.List;

/**
 * All that a run of a benchmark has to say.
 *
 * @param benchmark its name
 * @param title what it measures
 * @param date when, in UTC
 * @param commit of what; with a + if the sources had changed since
 * @param machine on what
 * @param load how many other threads wanted to run, on average over the minute before
 * @param spread what is called spread
 * @param notes what the figures need to be understood
 * @param rows the figures
 */
record Report(
    String benchmark,
    String title,
    String date,
    String commit,
    String machine,
    double load,
    String spread,
    List<String> notes,
    List<Row> rows) {
  static final String SPREAD = "range of the middle half of the rounds, in percent of the median";
}
