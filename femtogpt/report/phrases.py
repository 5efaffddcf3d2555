"""All that the report says, in Russian and in English; ``Wording`` formats it."""

Both = tuple[str, str]  # Russian, English

# Nouns after a number: in Russian after 1, 2 and 5, in English after 1 and 2.
NOUNS: dict[str, Both] = {
    "step": ("шаг|шага|шагов", "step|steps"),
    "character": ("символ|символа|символов", "character|characters"),
    "document": ("документ|документа|документов", "document|documents"),
    "source": ("источник|источника|источников", "source|sources"),
    "of_source": ("источника|источников|источников", "source|sources"),
    "kind": ("вид|вида|видов", "kind|kinds"),
    "author": ("автор|автора|авторов", "author|authors"),
    "work": ("произведение|произведения|произведений", "work|works"),
    "sample": ("образец|образца|образцов", "sample|samples"),
    "rule": ("правило|правила|правил", "rule|rules"),
    "piece": ("токен|токена|токенов", "piece|pieces"),
    "file": ("файл|файла|файлов", "file|files"),
    "core": ("ядро|ядра|ядер", "core|cores"),
    "thread": ("поток|потока|потоков", "thread|threads"),
    "process": ("процесс|процесса|процессов", "process|processes"),
}

PHRASES: dict[str, Both] = {
    # units
    "billions": ("млрд", "B"),
    "millions": ("млн", "M"),
    "thousands": ("тыс.", "k"),
    "gib": ("ГБ", "GB"),
    "mib": ("МБ", "MB"),
    "kib": ("КБ", "kB"),
    "byte": ("Б", "B"),
    "hours": ("ч", "h"),
    "minutes": ("мин", "min"),
    "seconds": ("с", "s"),
    "nats_per_token": ("нат на токен", "nats per token"),
    "bits_per_character": ("бит на символ", "bits per character"),
    # the page
    "report_of_a_run": ("отчёт о запуске", "report of a run"),
    "title_quality": ("Качество", "Quality"),
    "title_curves": ("Ход обучения", "The training"),
    "title_samples": ("Что пишет модель", "What it writes"),
    "title_memory": ("Память или выдумка", "Memory or invention"),
    "title_corpus": ("Корпус", "Corpus"),
    "title_tokenizer": ("Токенизатор", "Tokenizer"),
    "title_settings": ("Настройки", "Settings"),
    "title_lineage": ("Происхождение", "Lineage"),
    "title_machine": ("Машина и время", "Machine and time"),
    "written_by": (
        "Составлено femtoGPT {version}, {when}.",
        "Written by femtoGPT {version}, {when}.",
    ),
    "shown_of": ("Показано {shown} из {total}.", "{shown} of {total} are shown."),
    "more_characters": ("[ещё {count}]", "[{count} more]"),
    "and_more": ("… и ещё {count}", "… and {count} more"),
    "none": ("нет", "none"),
    "yes": ("да", "yes"),
    "no": ("нет", "no"),
    "source": ("источник", "source"),
    "documents": ("документов", "documents"),
    "characters": ("символов", "characters"),
    "size": ("размер", "size"),
    "time": ("время", "time"),
    # overview
    "of_parameters": (" ({count} параметров)", " ({count} parameters)"),
    "trained": (
        "Модель{model} обучалась {steps}, {time}.",
        "The model{model} was trained for {steps}, {time}.",
    ),
    "not_evaluated": (
        "На отложенных текстах она ещё не проверена.",
        "It has not been evaluated on held-out text yet.",
    ),
    "figure_alone": (
        "На отложенных текстах она тратит {bits} бита на символ.",
        "It needs {bits} bits per character of held-out text.",
    ),
    "better_than_ngram": (
        "На отложенных текстах она тратит {bits} бита на символ — на {share} меньше n\u2011граммной"
        " модели.",
        "It needs {bits} bits per character of held-out text, {share} fewer than an n-gram model.",
    ),
    "worse_than_ngram": (
        "На отложенных текстах она тратит {bits} бита на символ — на {share} больше n\u2011граммной"
        " модели, которая только считает сочетания токенов: обучение пока не окупилось.",
        "It needs {bits} bits per character of held-out text, {share} more than an n-gram model,"
        " which only counts pieces: the training has not paid off yet.",
    ),
    "held_out_figure": (
        "бита на символ на отложенных текстах: чем меньше, тем лучше",
        "held-out bits per character: lower is better",
    ),
    "gap": (
        "разница с обучающими текстами: чем она больше, тем больше заучено",
        "above its training text: the more, the more it knows by heart",
    ),
    "parameters_in_shape": (
        "параметров: слои × ширина — {shape}",
        "parameters: {shape}, layers × width",
    ),
    "tokens_seen_in": ("токенов прочитано, эпох: {epochs}", "tokens seen, {epochs} epochs"),
    "tokens_seen": ("токенов прочитано", "tokens seen"),
    "time_of_training": ("обучения", "of training"),
    "lost_steps": (
        "Потери не были конечным числом: {steps}. На графиках их нет.",
        "The loss was not finite for {steps}, which the charts leave out.",
    ),
    # quality
    "how_quality_is_told": (
        "Бит на символ отложенных текстов, которых модель при обучении не видела. Точка — модель,"
        " отрезок — 95-процентный интервал (только там, где произведений не меньше пяти), чёрточки"
        " — простые модели для сравнения.",
        "Bits per character of held-out text, which the model has never seen. The dot is the model,"
        " the bar its 95% interval (told from five works on), the ticks are simple models for"
        " comparison.",
    ),
    "compared_with": (
        "Разница с «{title}» на тех же текстах: {more} ± {half} бита на символ.",
        "Compared with “{title}” on the same texts: {more} ± {half} bits per character.",
    ),
    "cannot_be_told": (
        "Кто из них лучше, по этим текстам сказать нельзя.",
        "These texts cannot tell which is better.",
    ),
    "part": ("часть", "part"),
    "baseline_ngram": ("n\u2011граммы, порядок {order}", "n-gram, order {order}"),
    "baseline_ppmd": ("PPMd, порядок {order}", "PPMd, order {order}"),
    "whole_text": ("Все отложенные тексты", "All held-out text"),
    "model": ("модель", "model"),
    "works": ("произв.", "works"),
    "by_source": ("По источникам", "By source"),
    "by_kind": ("По видам текста", "By kind of text"),
    "by_author": ("По авторам", "By author"),
    "by_work": ("По произведениям", "By work"),
    "kind_verse": ("стихи", "verse"),
    "kind_prose": ("проза", "prose"),
    "kind_dialogue": ("диалоги", "dialogue"),
    "kind_article": ("статьи", "articles"),
    # curves
    "loss": ("Потери", "Loss"),
    "train_loss": ("на обучении, каждый шаг", "train, each step"),
    "moving_average": ("скользящее среднее", "moving average"),
    "held_out_estimate": ("на отложенных текстах, оценка", "held out, an estimate"),
    "held_out_text": ("Отложенные тексты", "Held-out text"),
    "estimate": ("оценка по ходу обучения", "estimate while training"),
    "whole_held_out": ("готовая модель: {bits}", "the finished model: {bits}"),
    "true_entropy": ("истинная энтропия", "true entropy"),
    "learning_rate": ("Скорость обучения", "Learning rate"),
    "gradient_norm": ("Норма градиента", "Gradient norm"),
    "before_clipping": ("до ограничения", "before clipping"),
    "each_step": ("каждый шаг", "each step"),
    "at_step": ("шаг", "step"),
    "zoom_in": ("приблизить", "zoom in"),
    "zoom_out": ("отдалить", "zoom out"),
    "zoom_reset": ("целиком", "whole"),
    "how_to_zoom": (
        "или выделите участок мышью; двойной щелчок возвращает всё, колесо с Ctrl меняет масштаб",
        "or drag over a part; a double click shows all, Ctrl and the wheel zoom",
    ),
    "marked_steps": (
        "Пунктир — шаги, с которых обучение продолжили: дольше прежнего или на другой машине.",
        "Dotted: steps from which the training went on, longer than before or on another machine.",
    ),
    # samples
    "samples_by_step": ("По ходу обучения", "While it learned"),
    "same_draws": (
        "Каждый раз новый документ с начала и с одними и теми же случайными числами.",
        "A new document each time, always with the same random draws.",
    ),
    "nothing_written": (
        "Ничего: документ сразу закончился.",
        "Nothing: it ended the document at once.",
    ),
    "finished_samples": ("Готовая модель", "The finished model"),
    "marked_stretches": (
        "Выделен самый длинный отрывок от 50 символов, который дословно есть в обучающих текстах.",
        "Marked: the longest stretch of 50 characters or more that stands in the training text.",
    ),
    # memory
    "how_memory_is_told": (
        "Сколько образцы повторяют из обучающих текстов дословно — и сколько совпадает само собой:"
        " те же числа для таких же по длине отрывков отложенных произведений.",
        "How much of the samples stands verbatim in the training text, and how much does by chance:"
        " the same figures for passages of the same length from held-out works.",
    ),
    "of_samples": ("образцы модели", "what the model wrote"),
    "of_passages": ("отрывки отложенных произведений", "passages of held-out works"),
    "of_passages_same_authors": (
        "отрывки отложенных произведений тех же авторов",
        "passages of held-out works by the same authors",
    ),
    "longest_stretch": ("самый длинный дословный отрывок", "longest verbatim stretch"),
    "nearly_longest": (
        "почти дословный (до одной буквы из двадцати)",
        "nearly verbatim (one letter in twenty)",
    ),
    "known_share": ("в отрывках от 50 символов", "in stretches of 50 or more"),
    "verbatim": ("дословно", "verbatim"),
    "nearly": ("почти", "nearly"),
    "stretch": (
        "отрывок; под ним — как в тексте, если иначе",
        "stretch; below, the text's own words",
    ),
    "where_it_stands": ("где встречается", "where it stands"),
    # corpus
    "corpus_in_words": (
        "Прочитано {documents} из {sources}; для обучения осталось {train} символов, ещё {share}"
        " отложено для проверки.",
        "{documents} from {sources} were read; {train} characters are left to learn from, another"
        " {share} is held out.",
    ),
    "read": ("прочитано", "read"),
    "rejected": ("отвергнуто", "rejected"),
    "in_train": ("в обучении", "train"),
    "held_out": ("отложено", "held out"),
    "proved": (
        "Проверено: ни отложенного произведения, ни его близкой копии, ни общего отрывка от"
        " {length} символов в обучающих текстах нет.",
        "Proved: no held-out work, no near-duplicate of one and no shared passage of {length}"
        " characters or more is in the training text.",
    ),
    "not_proved": (
        "Не доказано: в обучающих текстах есть отложенное произведение, его близкая копия или"
        " общий отрывок от {length} символов.",
        "Not proved: a held-out work, a near-duplicate of one or a shared passage of {length}"
        " characters or more is in the training text.",
    ),
    "longest_shared": (
        "Самый длинный общий отрывок, {characters}: «{passage}»",
        "The longest shared passage has {characters}: “{passage}”",
    ),
    "letters": ("Что стало с буквами и цифрами", "What became of the letters and digits"),
    "decoded": ("прочитано", "read"),
    "added": ("добавлено", "added"),
    "markup": ("снято с разметкой", "taken as markup"),
    "taken": ("убрано правилами", "taken by rules"),
    "in_rejected": ("в отвергнутых", "in rejected"),
    "cut_at_split": ("вырезано как общее с отложенным", "cut as shared with held-out"),
    "kept": ("осталось", "kept"),
    "cleaning_rules": (
        "Правила очистки, которые изменили больше всего букв и цифр",
        "The cleaning rules that changed the most letters and digits",
    ),
    "rule": ("правило", "rule"),
    "replaced": ("заменено", "replaced"),
    "why_rejected": ("Почему документы отвергнуты", "Why documents were rejected"),
    "filter": ("фильтр", "filter"),
    # tokenizer
    "tokenizer_in_words": (
        "В словаре {pieces}, в токене в среднем {characters} символа. Из них {never} в обучающих"
        " текстах не встретились ни разу, ещё {rare} — реже {few} раз.",
        "The vocabulary has {pieces}, a token {characters} characters on average. {never} never"
        " occur in the training text, another {rare} fewer than {few} times.",
    ),
    "train_tokens": ("токенов в обучении", "train tokens"),
    "held_out_tokens": ("отложено", "held out"),
    "characters_per_token": ("символов на токен", "characters per token"),
    "whole_words": ("слов одним токеном", "words in one piece"),
    "pieces_per_word": ("токенов на слово", "pieces per word"),
    "byte_tokens": ("токенов-байтов", "byte tokens"),
    "cut_into_pieces": ("Как делится отложенный текст", "How held-out text is cut"),
    "pieces_of_note": ("Токены, на которые стоит взглянуть", "Pieces worth a look"),
    "longest_pieces": ("Самые длинные", "The longest"),
    "rare_pieces": ("Встретились реже {few} раз", "Fewer than {few} times"),
    "unused_pieces": ("Не встретились ни разу", "Never"),
    # settings
    "settings_given": ("Заданы", "Given"),
    "settings_derived": ("Выведены", "Derived"),
    "settings_default": ("Остальные — по умолчанию", "The others, at their defaults"),
    "other_settings": ("Остальные настройки", "The other settings"),
    "origin_unknown": (
        "Какие настройки заданы, а какие выведены, в этом запуске не записано.",
        "This run has no record of which settings were given and which were derived.",
    ),
    "setting": ("настройка", "setting"),
    "value": ("значение", "value"),
    "origin": ("откуда", "from"),
    "from_command": ("командная строка", "the command line"),
    "from_configuration": ("конфигурация", "the configuration"),
    "from_size": ("из model.size", "model.size"),
    "from_width": ("из ширины модели", "the model's width"),
    "from_batch": ("из числа токенов в батче", "the tokens in a batch"),
    "from_parameters": ("из числа параметров и токенов", "parameters and tokens"),
    "from_epochs": ("из числа эпох", "the epochs"),
    "from_steps": ("из числа эпох, шагов и скорости обучения", "epochs, steps and learning rate"),
    "part_of_steps": ("доля всех шагов", "a share of all steps"),
    "chosen_for_hours": ("подобрано под время: {time}", "chosen for {time}"),
    "other_runs": ("Другие запуски", "Other runs"),
    "role": ("роль", "role"),
    "weights_digest": ("контрольная сумма весов", "digest of the weights"),
    "began_with": ("начальные веса", "began with the weights"),
    "taught_by": ("учитель", "taught by"),
    "goes_on_from": (
        "Продолжает более короткое обучение с шага {step}.",
        "Goes on from a shorter training at step {step}.",
    ),
    # lineage
    "how_lineage_is_told": (
        "Каждый артефакт назван контрольной суммой того, из чего он сделан; «содержимое» — начало"
        " контрольной суммы его файлов.",
        "Each artifact is named by the digest of what it was made from; “content” begins the digest"
        " of its files.",
    ),
    "stands_alone": (
        "Запуск лежит отдельно: артефактов, из которых он сделан, рядом нет.",
        "The run stands alone: the artifacts that it was made from are not beside it.",
    ),
    "artifact": ("артефакт", "artifact"),
    "made": ("сделан", "made"),
    "made_from": ("из чего", "from"),
    "content": ("содержимое", "content"),
    "source_named": ("источник {name}", "source {name}"),
    "gone": ("больше не на диске", "no longer on the disk"),
    "weights_are": ("SHA-256 весов модели:", "SHA-256 of the model's weights:"),
    "files_of_sources": ("Исходные файлы ({count})", "The sources' files ({count})"),
    "file": ("файл", "file"),
    # machine
    "machine_unknown": (
        "На какой машине шло обучение, в этом запуске не записано.",
        "This run has no record of the machine it was trained on.",
    ),
    "from_step": ("С шага {step}", "From step {step}"),
    "processor": ("процессор", "processor"),
    "card": ("видеокарта", "graphics card"),
    "no_card": ("не использовалась", "none was used"),
    "memory_of_machine": ("память", "memory"),
    "computing": ("вычисления", "computing"),
    "system": ("система", "system"),
    "versions": ("версии", "versions"),
    "speed": (
        "Обучение шло {time}: в среднем {rate} токенов в секунду вместе с проверками и записью на"
        " диск.",
        "It was trained for {time}: {rate} tokens a second, evaluations and checkpoints included.",
    ),
    "times": ("Сколько занял каждый этап", "How long each stage took"),
    "stage": ("этап", "stage"),
    "stage_corpus": ("корпус", "corpus"),
    "stage_tokenizer": ("токенизатор", "tokenizer"),
    "stage_tokens": ("токены", "tokens"),
    "stage_run": ("обучение", "training"),
    "stage_evaluation": ("проверка", "evaluation"),
    "stage_samples": ("образцы", "samples"),
    "stage_memory": ("поиск в обучающих текстах", "looking up the samples"),
    "stage_ngram": ("n\u2011граммная модель", "n-gram"),
    "stage_ppmd": ("PPMd", "PPMd"),
}
