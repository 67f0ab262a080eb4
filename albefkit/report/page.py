"""A study as a page of HTML that needs nothing but itself."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from albefkit.ablation.study import Study
from albefkit.report import view
from albefkit.report.cost_figures import cost_plots
from albefkit.report.curve_figures import learning_curves
from albefkit.report.effect_figure import effect_plot
from albefkit.report.styles import legend
from albefkit.report.sweep_figures import is_stepwise, sweep_plots
from albefkit.report.table import study_table
from albefkit.report.wording import NONE, seeds_in_words

TEMPLATE = "report.html.jinja"


def to_html(study: Study) -> str:
    """The whole page, the same for the same study.

    It asks for nothing from elsewhere and runs no script, and tells the browser to refuse both.
    """
    environment = Environment(
        loader=PackageLoader("albefkit", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    table = study_table(study)
    seeds = f"{seeds_in_words(len(study.seeds))}: {', '.join(map(str, study.seeds))}"
    return environment.get_template(TEMPLATE).render(
        study=study,
        table=table,
        nothing=NONE,
        firsts={columns[0] for _, columns in table.bands()},
        caption=f"Quality and cost of each variant, {seeds}",
        facts=[seeds, f"budget: {study.budget}", study.machine],
        findings=view.findings(study),
        effects=effect_plot(study, "effects"),
        sweep=sweep_plots(study),
        stepwise=is_stepwise(study),
        costs=cost_plots(study),
        curves={group: each for group, each in learning_curves(study).items() if each},
        legends={place: legend(study, place) for place in ("sweep", "costs", "curves")},
        metrics=view.sheets(study),
        failures=view.failures(study),
        edits=view.edits(study),
        made=view.how_it_was_made(study),
    )
