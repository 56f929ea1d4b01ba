# As palavras das páginas em português. As mesmas chaves estão em cada língua; um teste cuida disso.

## Frame

skip = Ir para o conteúdo
nav = Navegação principal
nav-overview = Visão geral
nav-hosts = Máquinas
nav-events = Eventos
nav-sources = Fontes
nav-deliveries = Envios
nav-actions = Ações
nav-journal = Diário
nav-about = Sobre
foot-as-of = estado em
foot-metrics = Métricas
live-on = ao vivo
live-lost = ligação perdida: esta página ficou como estava
foot-language = Idioma
banner-paused = Nada pode ser guardado neste momento: nada é comparado nem comunicado.
banner-starting = Ainda iniciando: o que se mostra ainda não é toda a verdade.
banner-no-intent = O NetBox ainda não foi lido por completo.
banner-unheard =
    { $n ->
        [one] Uma fonte ainda não deu notícias.
       *[other] { $n } fontes ainda não deram notícias.
    }
banner-follower = Esta réplica só lê.
banner-leader = Ela mostra o que { $leader }, que lidera, viu
banner-outdated = É antigo demais para valer agora.
banner-untold = { $leader }, que lidera, ainda não disse o que vê.
banner-waiting = Ainda não se sabe nada.

## Time

span-s = { $n } s
span-min = { $n } min
span-h = { $n } h
span-d = { $n } d
time-ago = há { $span }
time-in = em { $span }
never = nunca

## Verdict

verdict-unknown = Não se pode dizer
verdict-in-sync = Tudo confere
verdict-drifts =
    { $n ->
        [one] { $n } desvio
       *[other] { $n } desvios
    }
verdict-blind-sources =
    { $n ->
        [one] { $n } fonte cega
       *[other] { $n } fontes cegas
    }
verdict-blind-hosts =
    { $n ->
        [one] { $n } máquina em parte invisível
       *[other] { $n } máquinas em parte invisíveis
    }
verdict-unwatched =
    { $n ->
        [one] Nenhum desvio visto, e { $n } máquina não é observada por ninguém
       *[other] Nenhum desvio visto, e { $n } máquinas não são observadas por ninguém
    }
verdict-unknown-why = Nem tudo o que é preciso para julgar é conhecido neste momento.
verdict-blind-why = O que não se vê também pode divergir. Desconhecido não é ausente.
verdict-drift-why = Tudo é visível, e a realidade não é o que o NetBox diz.
verdict-unwatched-why = Onde alguém olha, a realidade é a do NetBox. Essas máquinas devem rodar, e nenhuma fonte veria se rodam.
verdict-in-sync-why = Cada fonte vê tudo o que olha, e é o que diz o NetBox.
figure-in-sync =
    { $n ->
        [one] máquina confere
       *[other] máquinas conferem
    }
figure-drift =
    { $n ->
        [one] máquina com desvios
       *[other] máquinas com desvios
    }
figure-blind =
    { $n ->
        [one] máquina invisível
       *[other] máquinas invisíveis
    }
figure-unknown =
    { $n ->
        [one] máquina não julgada
       *[other] máquinas não julgadas
    }
figure-unwatched =
    { $n ->
        [one] máquina não observada
       *[other] máquinas não observadas
    }
figure-undeclared =
    { $n ->
        [one] máquina não declarada
       *[other] máquinas não declaradas
    }
figure-oldest = resposta completa mais antiga:
chips-more = mais { $n }
overview-now = Agora
overview-empty = Nenhum desvio está aberto.
overview-empty-next = Pare um contêiner declarado no NetBox: ele aparecerá aqui em instantes.
overview-empty-unsure = É o que se pode ver, não toda a verdade. Veja acima.
overview-no-store = O banco não responde: não se sabe o que está aberto.
overview-pending =
    { $n ->
        [one] { $n } desvio acaba de ser visto e espera um segundo olhar.
       *[other] { $n } desvios acabam de ser vistos e esperam um segundo olhar.
    }

## Columns

col-severity = Gravidade
col-what = O quê
col-where = Onde
col-sides = Esperado → observado
col-since = Desde
col-source = Fonte
col-state = Estado
col-name = Máquina
col-drifts = Desvios
col-status = No NetBox
col-site = Local
col-tenant = Inquilino
col-services = Serviços
col-machine = Máquina
col-sources = Fontes
col-service = Serviço
col-ports = Portas
col-image = Imagem
col-when = Quando
col-transition = O que houve
col-sight = Visão
col-complete = Última resposta completa
col-objects = Objetos
col-gap = O que falta
col-sink = Destino
col-drift = Desvio
col-attempts = Tentativas
col-next = Previsto ou resolvido
col-error = Resposta do destino
col-kind = Tipo
col-actor = Quem
col-text = O quê
col-about = Assunto
col-action = Ação
col-approved = Aprovada por
col-why = Por quê
col-handle = Código

## Filters and lists

filter-q = O nome contém
filter-state = Estado
filter-site = Local
filter-tenant = Inquilino
filter-severity = Gravidade
filter-type = Tipo
filter-transition = O que houve
filter-host = Máquina
filter-service = Serviço
filter-kind = Tipo
filter-sight = Visão
filter-sink = Destino
filter-phase = Fase
filter-handle = Código
filter-any = todos
filter-go = Filtrar
filter-clear = Limpar o filtro
pager = Páginas
pager-first = Voltar aos mais recentes
pager-older = Mais antigos
pager-previous = Anterior
pager-next = Próxima
pager-page = Página { $page } de { $pages }
empty-end = A lista termina antes deste ponto.
empty-filter = Nada corresponde a este filtro.
none = nenhum
not-known = desconhecido
mark-blind = sem julgamento há { $span }
mark-flapping = instável
mark-flapping-title = Vai e volta; as próximas mudanças são retidas até acalmar.
mark-baseline = estado inicial
mark-baseline-title = Já estava lá na primeira observação.
mark-silenced = silenciado
mark-folded =
    { $n ->
        [one] { $n } decorre dele
       *[other] { $n } decorrem dele
    }

## Hosts

stand-blind = Cega
stand-drift = Desvio
stand-unknown = Não julgada
stand-unwatched = Não observada
stand-undeclared = Não declarada
stand-in-sync = Confere
stand-idle = Nada esperado
declared-yes = declarada
declared-no = não declarada
declared-unknown = desconhecido
machine-unknown = estado desconhecido
hosts-blind =
    { $n ->
        [one] { $n } cega
       *[other] { $n } cegas
    }
hosts-none = Nenhuma máquina é declarada ou vista.
hosts-none-next = Declare dispositivos e máquinas virtuais no NetBox e veja se a seleção em `[netbox]` os inclui; `evenkeel doctor` diz o que lê.
host-both = Declarado e visto
host-services = { $n } declarados, { $required } devem rodar
host-running = { $n } rodando
host-machine-unseen = nenhuma fonte vê a própria máquina
host-services-unseen = nenhuma fonte mostrou seus serviços ainda
host-drifts = Desvios abertos
host-no-drifts = Nada diverge aqui.
host-no-drifts-blind = Nada que se saiba diverge, e nem tudo é visível.
host-folded =
    { $n ->
        [one] { $n } consequência
       *[other] { $n } consequências
    }
host-sources = Quem a observa
host-unwatched = Nenhuma fonte fala desta máquina.
host-unwatched-next = Nomeie uma fonte na configuração: um motor Docker, seu hipervisor, uma sonda.
host-seen = O que as fontes mostraram por último
host-seen-none = Nada foi guardado do que as fontes mostram desta máquina.
host-history = Histórico
host-history-all = Todos os eventos desta máquina
host-history-none = Nada aconteceu aqui ainda.
seen-last = visto assim
seen-none = Nenhum serviço: ela diz que não há nenhum.
seen-outside = Ela olha a própria máquina, e não mostra serviços.
seen-partly = Nem tudo foi lido:
seen-unreadable = O que se guardou não pode ser lido.

## Drift

side-expected = Esperado
side-observed = Observado
side-arrow = mas é
side-differs = diverge
side-state = Estado
side-ports = Portas
side-role = Função
side-image = Imagem
side-value = Valor
side-why = Causa
side-answering = respondem: { $ports }
side-none-expected = nada declarado
side-none-observed = nada lá
side-undecided = indecidível
drift-state-pending = espera um segundo olhar
drift-state-open = aberto
drift-state-resolved = resolvido
drift-blind = Não pode ser julgado há { $span }:
drift-sides = Os dois lados
drift-exits = O que fazer
drift-actions = Ações propostas para este desvio
drift-evidence = Em que se baseia
drift-folded = O que decorre dele
drift-folded-none = Não explica nada mais neste momento.
drift-parent = Decorre de
drift-history = O que houve
drift-history-none = Nenhum evento guardado. Um desvio que decorre de outro não tem o seu.
drift-told = Quem foi avisado
drift-told-none = Ninguém: estava silenciado, lá na primeira observação, decorre de outro, ou não há destino configurado.
drift-others = Outros com o mesmo código
exit-repair = Consertar a realidade
exit-netbox = Ou completar o NetBox
exit-accept = Ou aceitar por um tempo
exit-accept-how = Isto imprime uma regra de exceção com prazo, pronta para a configuração:
evidence-source = Visto por
evidence-at = Última observação contada
evidence-seen = Observações
evidence-seen-n = mostrado por { $n }
evidence-clean-n = { $n } sem ele desde então
evidence-first = Visto primeiro
evidence-last = Visto por último
evidence-opened = Confirmado
evidence-resolved = Resolvido
evidence-said = Último anúncio
evidence-silence = Silêncio
evidence-turns = Mudanças
evidence-handle = Código
evidence-id = Identificador
sight-complete = vê tudo
sight-blind = cega
sight-unknown = não está mais configurada aqui
said-missing = { $service } está declarado em { $host }, mas nada com esse nome existe lá.
said-missing-closed = { $service } está declarado em { $host }, mas nada responde onde deveria escutar.
said-missing-state = { $service } deveria rodar em { $host }, mas não roda ({ $state }).
said-retired = { $service } em { $host } está aposentado no NetBox, mas ainda roda.
said-unexpected = { $service } roda em { $host }, e o NetBox não o declara.
said-ports = { $service } em { $host } está declarado em { $expected }, mas publica { $observed }.
said-port-closed = { $service } em { $host } roda ({ $seen }), mas de suas portas { $expected } respondem estas: { $open } ({ $probe }).
said-vm-down = A máquina virtual { $host } deveria rodar, mas seu estado é: { $state }.
said-vm-gone = A máquina virtual { $host } deveria rodar, mas nenhum hipervisor tem uma máquina com esse nome.
said-vm-undeclared = A máquina { $host } ({ $key }) roda, e o NetBox não a declara.
said-exceeded = { $host }: { $what } em { $percent } %, acima do limite de { $limit } %.
said-too-large = O banco do evenkeel ({ $at }) ocupa { $size }, acima do limite de { $limit }.
said-unreachable = { $host } está inacessível ({ $why }).
said-blind = { $host } não pode ser observado por { $source } ({ $why }).
said-blind-services =
    { $n ->
        [one] { $n } serviço é desconhecido, não ausente.
       *[other] { $n } serviços são desconhecidos, não ausentes.
    }
said-restarts =
    { $n ->
        [one] { $service } em { $host } reiniciou { $n } vez sem que se pedisse.
       *[other] { $service } em { $host } reiniciou { $n } vezes sem que se pedisse.
    }
said-restarting = { $service } em { $host } reinicia sem parar.
said-config = { $what }, { $field }: declarado como { $expected }, mas é { $observed }.
said-config-ambiguous = { $what }, { $field }: ambíguo ({ $expected }).
said-config-undeclared = { $what }, { $field }: não declarado no NetBox ({ $observed }).
said-config-unknown = { $what }, { $field }: não pode ser determinado.

## What to do

do-closed = Faça { $service } voltar a escutar em { $host }, ou abra a porta no firewall.
do-stopped = Inicie-o: `docker start { $service }` em { $host }. `docker logs { $service }` diz por que terminou.
do-missing = Crie-o em { $host }, por exemplo com `docker compose up -d { $service }`.
do-retired = Pare-o: `docker stop { $service }` em { $host }.
do-unexpected = Remova-o de { $host } se ninguém precisa dele.
do-ports = Publique { $ports } em { $host }: `ports` no arquivo Compose de { $service }, e recrie-o.
do-port-closed = { $seen } vê { $service } rodando em { $host }, { $probe } não alcança nenhuma das portas, ou não todas: veja o log, o mapeamento de portas e o firewall no meio.
do-vm-down = Inicie { $host } no hipervisor; o log de tarefas diz por que parou.
do-vm-gone = Crie { $host } no hipervisor, ou restaure de um backup.
do-vm-undeclared = Pare e remova { $host } se ninguém precisa dela.
do-exceeded = Libere algum, ou dê mais a { $host }; o que mais ocupa se vê na própria { $host }.
do-too-large = Guarde menos: `[store.retention]`, que roda uma vez por hora; `evenkeel backup` antes, se o que sai ainda é desejado. O que ocupa quanto está na métrica evenkeel_store_rows.
do-unreachable = Cuide de { $host }: energia, rede, e o que o console mostra.
do-blind = Faça { $source } responder de novo; `evenkeel doctor` testa a conexão passo a passo.
do-restart = Veja por que termina: `docker logs --tail 100 { $service }` em { $host }.
do-config = Mude a realidade para o que o NetBox diz.
netbox-ports = Corrija as portas do serviço { $service } no NetBox.
netbox-stopped = Diga no NetBox que não precisa rodar: ciclo de vida planned ou retired, ou apague o serviço { $service }.
netbox-missing = Diga ao NetBox o nome real (campo container_name), que é planned ou retired, ou apague o serviço { $service }.
netbox-retired = Recoloque { $service } em serviço no NetBox: ciclo de vida active.
netbox-unexpected = Declare o serviço { $service } em { $host } no NetBox, com as portas que publica.
netbox-offline = Diga no NetBox que { $host } está offline, se for de propósito.
netbox-vm-gone = Diga ao NetBox que é planned, que vive em outro cluster, ou seu número (campo proxmox_vmid) se tem outro nome.
netbox-vm-undeclared = Declare a máquina virtual { $host } no NetBox, em seu cluster.
netbox-exceeded = Aumente o limite em `[policy.limits]`.
netbox-too-large = Aumente `store.size_limit`, se o disco tem espaço.
netbox-config = Corrija no NetBox.

## Events

events-none = Nenhum evento guardado ainda.
events-none-next = Um evento é escrito quando um desvio abre, muda ou se resolve. `evenkeel explain` diz por que algo não é um.
events-export = Tudo o que corresponde, em ficheiro:
transition-opened = aberto
transition-reopened = reaberto
transition-changed = alterado
transition-resolved = resolvido
transition-reminder = lembrete
severity-info = info
severity-low = baixa
severity-medium = média
severity-high = alta
severity-critical = crítica
type-service-missing = Serviço ausente
type-service-unexpected = Serviço inesperado
type-port-mismatch = Portas divergem
type-vm-down = Máquina parada
type-vm-undeclared = Máquina não declarada
type-docker-unreachable = Docker inacessível
type-node-unreachable = Máquina inacessível
type-config-drift = Configuração diverge
type-snapshot-error = Fonte cega
type-resource-exceeded = Recurso acima do limite
type-restart-loop = Reinicia sem parar
field-identity = identidade
field-name = nome
field-ip = endereço
field-role = função
field-cluster = cluster
field-node = nó
field-vcpus = processadores
field-memory = memória
field-disk = disco
field-image = imagem
field-status = status
field-health = saúde
field-cpu = uso de processador
field-storage = armazenamento
field-pool = pool
field-database = banco de dados
state-running = rodando
state-restarting = reiniciando
state-paused = pausado
state-created = criado, nunca iniciado
state-exited = terminado
state-closed = fechado
state-stopped = parado
state-absent = ausente
state-retired = aposentado
state-observable = observável
state-active = ativo
state-planned = planejado
state-staged = preparado
state-offline = desligado
state-failed = com falha
state-inventory = em estoque
state-decommissioning = em desativação
state-not-yet-observed = ainda não visto
state-uncovered = sem observação
state-unreachable = inacessível
state-timed-out = sem resposta a tempo
state-unauthorized = acesso recusado
state-malformed = não compreendido
state-truncated = truncado
state-stale = antigo demais
state-implausible = implausível
state-ambiguous = ambíguo

## Sources

sources-none = Nenhuma fonte configurada.
sources-none-next = `evenkeel init` escreve uma primeira configuração; cada chave está em docs/reference.

## Deliveries

deliveries-none = Nada foi enviado ainda.
deliveries-none-next = Um envio é feito a cada destino quando um evento é anunciado. `evenkeel sink test` faz um de teste.
delivery-pending = em espera
delivery-delivered = entregue
delivery-dead = abandonado
outbox-pending = { $n } em espera
outbox-dead = { $n } abandonados
outbox-oldest = o mais antigo espera desde

## Actions

repairs-enabled = Reparos
repairs-on = Regras propõem ações.
repairs-off = Desativados: nada é proposto.
repairs-halt = Parada de emergência
repairs-halt-off = Não acionada.
repairs-halt-on = Acionada por { $by }
repairs-brake = Freio
repairs-brake-off = Solto.
repairs-brake-on = Acionado
repairs-brake-why =
    { $n ->
        [one] { $n } desvio começou de uma vez, e { $limit } são permitidos.
       *[other] { $n } desvios começaram de uma vez, e { $limit } são permitidos.
    }
actions-how = Para aprovar, rejeitar, parar ou soltar:
actions-none = Nada é proposto.
actions-none-next = Ações e regras se escrevem em `[remediation]`; docs/remediation.md mostra como.
actions-held = O que espera, e por quê
phase-waiting = em espera
phase-running = em curso
phase-unverified = ainda não verificada
phase-over = encerrada
proposal-proposed = espera aprovação
proposal-approved = aprovada
proposal-rejected = rejeitada
proposal-expired = expirada
proposal-withdrawn = retirada
proposal-dispatched = enviada
proposal-acknowledged = aceita pelo destinatário
proposal-succeeded = dita bem-sucedida
proposal-failed = dita falha
proposal-timed-out = sem resposta a tempo
proposal-verified = verificada
proposal-not-verified = sem efeito
proposal-escalated = entregue a pessoas

## Journal

journal-none = Nada anotado ainda.
journal-none-next = Decisões, ações e o que se disse delas ficam anotados aqui, para sempre.
journal-decision = decisão
journal-task = tarefa
journal-action = ação
journal-log = relato

## About

about-lead = evenkeel compara o que o NetBox diz com o que é, e diz o que diverge, o que não se vê, e por quê.
about-process = Este processo
about-version = Versão
about-role = Papel
about-ready = Pronto
about-ready-yes = A intenção foi lida, e cada fonte deu notícias.
about-ready-no = Ainda não: veja acima.
about-store = Banco
about-kept = O que se guarda
about-doors = Para as máquinas
role-leader = lidera
role-follower = segue
role-waiting = espera
kept-size = No disco
kept-events = Eventos
kept-deliveries = Envios
kept-observed = Instantâneos observados
kept-expected = Instantâneos esperados
kept-journal = Linhas do diário
kept-proposals = Propostas
kept-notices = Avisos
door-healthz = se vive
door-readyz = se é confiável
door-metrics = números para o Prometheus
door-api = a API JSON começa aqui

## Trouble

trouble-not-found = Isso não existe
trouble-not-found-next = Talvez esquecido, ou o endereço foi cortado no caminho.
trouble-unknown-path = Não há nada neste endereço
trouble-unknown-path-next = A navegação acima leva a cada página.
trouble-bad = O endereço não é compreendido
trouble-bad-next = Nada em vez de demais: um filtro ignorado seria acreditado.
trouble-store = O banco não responde
trouble-store-next = O que se guarda não pode ser mostrado agora. Nada se perdeu: tudo continua quando o banco voltar.
trouble-corrupt = O banco não consegue reler o que contém
trouble-corrupt-next = O log nomeia a linha. A documentação descreve `evenkeel backup` e a restauração.
trouble-not-known = Ainda não se sabe nada
trouble-not-known-next = Uma página vazia diria que não há nada. Tente de novo em instantes.
trouble-other = Isto não pode ser mostrado
trouble-other-next = A frase acima diz por quê.
trouble-again = Tentar de novo
trouble-home = Visão geral

## Pictures: map, heartbeat, trend, kiosk; both sides of services; how sources are asked

nav-map = Mapa
kiosk = Tela de parede
kiosk-more =
    { $n ->
        [one] e mais { $n }
       *[other] e mais { $n }
    }
col-cluster = Cluster
col-verdict = Veredito
col-lifecycle = Ciclo de vida
col-loopback = Só na própria máquina
col-took = Duração
col-rights = Direitos
col-asked = Próxima pergunta
not-shown = não mostrado: máquina sensível
demand-run = deve rodar
demand-may-run = pode rodar
demand-either = pode rodar ou não
demand-not-run = não deve rodar
sight-unwatched = nenhuma fonte olha aqui
sight-absent = ausente
service-fresh = acaba de ser visto, espera um segundo olhar
service-unknown = Não se pode dizer
service-unwatched = Observado por ninguém
service-accepted = Não declarado
service-in-sync = Como declarado
service-idle = Nada esperado
host-sides = Serviços: esperado e observado
host-sides-unknown = Esta réplica só lê: sabe o que as fontes mostraram (abaixo), não como cada serviço se compara.
host-sides-none = Nenhum serviço é declarado aqui, e nenhum é visto.
host-seen-by =
    { $n ->
        [one] Uma fonte mostrou algo
       *[other] { $n } fontes mostraram algo
    }
host-unwatched-services =
    { $n ->
        [one] { $n } serviço que deve rodar aqui não é observado por ninguém: nenhuma fonte olha onde ele estaria.
       *[other] { $n } serviços que devem rodar aqui não são observados por ninguém: nenhuma fonte olha onde eles estariam.
    }
host-place = Onde fica
hosts-unwatched =
    { $n ->
        [one] { $n } sem observação
       *[other] { $n } sem observação
    }
filter-cluster = Cluster
filter-watch = Observação
filter-group = Agrupar por
watch-partly = serviços que ninguém observa
group-no-site = sem site
group-no-cluster = sem cluster
group-no-tenant = sem cliente
view = Exibição
view-table = Tabela
view-tiles = Blocos
tile-drifts =
    { $n ->
        [one] { $n } desvio
       *[other] { $n } desvios
    }
tile-services =
    { $n ->
        [one] { $n } serviço declarado
       *[other] { $n } serviços declarados
    }
reach = Até quando
reach-24h = 24 horas
reach-7d = 7 dias
reach-30d = 30 dias
past = Ao longo do tempo
past-no-store = O banco não responde: nada se sabe do passado.
bars = Como estavam as máquinas
bars-24h = As últimas 24 horas
bars-7d = Os últimos 7 dias
bars-30d = Os últimos 30 dias
bars-more =
    { $n ->
        [one] mais { $n } máquina
       *[other] mais { $n } máquinas
    }
beat-in-sync = confere
beat-drift = desvio
beat-blind = cega
beat-unknown = desconhecido
beat-share = { $word } { $n } %
trend-24h = Desvios abertos, últimas 24 horas
trend-7d = Desvios abertos, últimos 7 dias
trend-30d = Desvios abertos, últimos 30 dias
trend-drifts = Desvios abertos, consequências incluídas
trend-blind = Cegos
trend-top = linha de cima: { $n }
trend-none = Nada estava aberto.
trend-most = Máximo em { $at }: { $drifts } abertos, { $blind } cegos.
verdict-unwatched-services =
    { $n ->
        [one] Além disso: { $n } serviço que deve rodar não é observado por ninguém.
       *[other] Além disso: { $n } serviços que devem rodar não são observados por ninguém.
    }
figure-declared-runs = do que deve rodar roda: { $part } de { $whole }
figure-running-declared = do que roda é declarado: { $part } de { $whole }
figure-share-unknown =
    { $n ->
        [one] { $n } desconhecido
       *[other] { $n } desconhecidos
    }
figure-next = próximo olhar
source-last = última resposta:
took-ms = { $n } ms
took-s = { $n } s
rights-enough = suficientes
rights-enough-title = Provou que vê tudo.
time-now = agora
source-of = de
rights-refused = recusados
asking-not = não perguntada
asking-left-alone = deixada em paz até
asking-in-vain =
    { $n ->
        [one] perguntada uma vez em vão
       *[other] perguntada { $n } vezes em vão
    }
gap-not-yet-observed = Não respondeu desde o início.
gap-uncovered = Nada configurado olha ali.
gap-unreachable = Ninguém escuta ali, ou o caminho está fechado. `evenkeel doctor` tenta passo a passo.
gap-timed-out = Demorou mais do que pode. `evenkeel doctor` mostra quanto leva cada passo.
gap-unauthorized = As credenciais são recusadas, ou já não mostram tudo. `evenkeel doctor` diz qual direito falta.
gap-malformed = Respondeu o que não se entende: talvez outra versão, ou um proxy no meio.
gap-truncated = A resposta terminou cedo; será perguntada de novo.
gap-stale = A última resposta é velha demais para se apoiar nela.
gap-implausible = Mostra bem menos que antes e ainda não é acreditada. Se continuar assim, será.
gap-ambiguous = Mais de uma coisa responde a um nome. Dê um rótulo a uma delas, ou corrija o NetBox.
tree-host = máquina
tree-hosts = máquinas
tree-node = nó
tree-service = serviço
tree-declared = declarado
tree-undeclared = não declarado
tree-unwatched = ninguém olha
tree-answers = responde
tree-seen = visto: { $state }
tree-count =
    { $n ->
        [one] { $n } lugar.
       *[other] { $n } lugares.
    }
tree-desc = O mesmo está abaixo em lista.
tree-list = O mesmo em lista, com links
map-hosts =
    { $n ->
        [one] { $n } máquina
       *[other] { $n } máquinas
    }
map-no-site = sem site
map-no-cluster = sem cluster
map-counted = { $n } × { $stand }
map-folded-hosts = Máquinas demais para desenhar cada uma: são contadas por cluster. Escolha um site ou um cluster para vê-las.
map-folded-services = Serviços demais para desenhar cada um: as máquinas aparecem sem os seus. Escolha um site ou um cluster para vê-los.
## Rules, silences, and deciding on pages

nav-rules = Regras
rule-ignore = ignorado
rule-silence = silenciado
rule-severity = gravidade
rules-none = Nenhuma regra foi escrita, e nada está silenciado.
rules-none-next = Regras de exceção, silêncios e gravidades estão na configuração; a página de um desvio silencia-o até uma data.
rules-forever = nunca
rules-over = terminada
rules-coming = por vir
rules-soon = termina em breve
rules-until = até
rules-until-resolved = quando resolvido
rules-idle = não cobre nada agora
rules-tags = Etiquetas
rules-tenants = Inquilinos
rules-end = Terminar já
col-rule = Regra
col-covers = Cobre
col-owner = Por
col-ends = Fim
col-hits = Desvios agora
col-act = Agir
again-one = Enviar de novo
again-all = Enviar de novo tudo o que foi abandonado
act-reason = Motivo
act-may-not = Pode ver isto aqui, mas não alterá-lo: é preciso outro papel, ou a réplica que lidera.
accept-for = Durante
accept-1d = um dia
accept-7d = uma semana
accept-30d = 30 dias
accept-90d = 90 dias
accept-resolved = até ser resolvido
accept-day = ou até ao fim deste dia (UTC)
accept-do = Aceitar até lá
wrong-no-reason = Diga porquê: quem o encontrar mais tarde quer saber.
wrong-long-reason = O motivo é demasiado longo; guardam-se 1000 caracteres.
wrong-no-end = Diga até quando.
wrong-early = Acabaria antes de começar.
wrong-too-long = Mais longo do que pode durar ({ $n } dias).
decide = Decidir
decide-would = Aprovado, isto é pedido assim que nada o retenha:
decide-approve = Aprovar
decide-reject = Rejeitar
switch = Parar ou retomar todas as reparações
switch-would = Agora { $dispatch } seriam enviadas, { $propose } seriam propostas, e { $held } esperam.
switch-halt = Parar todas as reparações
switch-resume = Deixar as reparações continuar
switch-release = Soltar o travão
done-silenced = Aceite: ninguém é avisado até lá.
done-ended = O silêncio terminou; o que ainda está aberto é anunciado agora.
done-approved = Aprovado.
done-rejected = Rejeitado.
done-halted = Todas as reparações estão paradas; o que corre não é recolhido.
done-resumed = As reparações continuam.
done-released = O travão está solto.
done-unchanged = Já estava assim.
done-resent = É enviado de novo.
## A página da API

api-title = A API
api-lead = Tudo o que se mostra aqui pode ser lido por programas, e o que se faz aqui pode ser feito por eles.
api-document = O documento para programas (OpenAPI 3.1)
api-open = Abrir
api-needs = Precisa de
api-params = Aceita
api-body = Recebe
api-answer = Responde
api-problems = Problemas

## Quem pede

login-title = Entrar
login-name = Nome
login-password = Palavra-passe
login-do = Entrar
logout-do = Sair
login-wrong = O nome ou a palavra-passe está errado.
login-wait = { $n ->
    [one] Demasiadas tentativas. Espere { $n } segundo e tente de novo.
   *[other] Demasiadas tentativas. Espere { $n } segundos e tente de novo.
}
login-nobody = Ninguém pode entrar aqui com uma palavra-passe: a configuração não nomeia nenhum utilizador. docs/access.md mostra como nomear um.
level-viewer = leitor
level-operator = operador
level-approver = aprovador
level-admin = administrador
trouble-unknown = Não é conhecido aqui
trouble-unknown-next = Entre, ou peça acesso a quem gere o evenkeel.
trouble-forbidden = Isto não lhe é permitido
trouble-forbidden-next = É preciso outro papel, ou a página ficou aberta demasiado tempo: volte, abra-a de novo e repita.
